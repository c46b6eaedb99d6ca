from lindley.session.schedule import LabelSchedule


def test_rounds_end_at_max_labels_with_a_shortened_batch():
    schedule = LabelSchedule(initial_labels=10, initial="random", batch_size=5, max_labels=33)
    labels = [schedule.num_labels_at(round) for round in range(schedule.num_rounds)]
    assert labels == [10, 15, 20, 25, 30, 33]
    assert [schedule.next_batch_size(each) for each in labels] == [5, 5, 5, 5, 3, 0]
