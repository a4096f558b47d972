"""What a job runs on has a name."""

from feedback_alignment.machine import processor, trainer


def test_the_processor_trains_unless_a_gpu_does():
    assert trainer("cpu") == processor() != ""
    assert isinstance(trainer("cuda"), str)
