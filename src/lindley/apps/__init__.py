"""The command line: a thin shell that reads files and options, calls the library and prints.

cli                 the groups of commands
project_cli         init, add, label, audit, train: arguments and options
status_cli          status, report
exchange_cli        export, import, predict, backup, restore
class_cli           class list, add, rename ...
study_cli           run, compare, data
select_cli          select, acquisitions
shared_options      arguments and options that several commands have
command_classes     the rules of every command: errors, exit codes, repeated options
error_messages      errors in the words of the command line
interrupts          Ctrl-C and SIGTERM
printing            lines on stdout and stderr
console             tables and progress
output_file         the file of --out
stage_counter       the progress of one stage of a command

run_command         lindley run, and the report of a study
run_progress        the progress of a run and the time left
progress_display    its display
status_command      lindley status, lindley report: of a study, or of a project
project_status      the summary of a project's status; status_tables: its tables
project_report      its report.html
compare_command     lindley compare
data_command        lindley data

notebook            the labelling page in a notebook: Project.widget
web                 the labelling page on a server of this machine

export_command      lindley export
import_command      lindley import
predict_command     lindley predict
backup_command      lindley backup, lindley restore

select_command      lindley select, lindley acquisitions
select_options      its options
select_candidates   its candidates
candidate_subset    candidates without the excluded ones
read_progress       the progress of reading candidates
selection_files     the format of its output
array_files         arrays in files of every format
id_files            ids in files of every format
numpy_files         .npy and .npz
parquet_files       .parquet
safetensors_files   .safetensors
input_files         the parts that all readers share
"""
