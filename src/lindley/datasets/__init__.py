"""Known data sets: fetched, verified and loaded into pools.

dataset             the record of a pool, its classes and a test set
catalogue           the data sets by name
moons, digits, mnist, fashion_mnist, repeated_mnist   one data set each
pool_corruption     harder versions of a pool

images              data sets in the format of MNIST
image_files         their files
idx                 their file format
data_folders        the folders of data files
data_file           verified reading
download            mirrors, in turn
download_bar        its progress bar
"""
