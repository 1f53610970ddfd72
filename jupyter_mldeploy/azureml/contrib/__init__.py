"""``azureml.contrib``: of it only ``services``."""
