"""``azureml.contrib.services``: ``@rawhttp``, ``AMLRequest`` and ``AMLResponse`` of scoring scripts."""
