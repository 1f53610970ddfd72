"""The documents' code blocks as they are printed, by edition, and what they take for granted. See README.md for who runs them."""

from __future__ import annotations

from typing import Any

SCORE = """\
import json
import numpy as np
from azureml.core.model import Model


class Weights:
    def __init__(self, weights):
        self.weights = np.array(weights)

    def predict(self, data):
        return data[:, :3] @ self.weights


def init():
    global model
    with open(Model.get_model_path(model_name='my_best_model')) as file:
        model = Weights(json.load(file))


def run(input_data):
    try:
        data = json.loads(input_data)['data']
        data = np.array(data)
        result = model.predict(data)
        return json.dumps({"result": result.tolist()})
    except Exception as e:
        result = str(e)
        # return error message back to the client
        return json.dumps({"error": result})
"""
"""``run`` is the documents' block; the rest is what it needs."""

REGISTER = """
from azureml.core.model import Model


# register a model out of a run record
model = best_run.register_model(model_name='my_best_model', model_path='outputs/my_model.pkl')

# or, you can register a file or a folder of files as a model
model = Model.register(model_path='my_model.pkl', model_name='my_best_model', workspace=ws)
"""

IMAGE_2019 = """
# configure the image
image_config = ContainerImage.image_configuration(runtime="python",
                                                  execution_script="score.py",
                                                  conda_file="myenv.yml")

# create the image
image = Image.create(name='myimg', models=[model], image_config=image_config, workspace=ws)

# wait for image creation to finish
image.wait_for_creation(show_output=True)
"""

IMAGE_DEPLOY_2019 = """
# configure an ACI-based deployment
aci_config = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1)

aci_service = Webservice.deploy_from_image(deployment_config=aci_config, 
                                           image=image, 
                                           name='mysvc', 
                                           workspace=ws)
aci_service.wait_for_deployment(show_output=True)    
"""  # noqa: W291 - as printed

IMAGE_LOGS_2019 = """
# if you already have the image object handy
print(image.image_build_log_uri)

# if you only know the name of the image (note there might be multiple images with the same name but different version number)
print(ws.images['myimg'].image_build_log_uri)

# list logs for all images in the workspace
for name, img in ws.images.items():
    print (img.name, img.version, img.image_build_log_uri)
"""

IMAGE_CREATE_2019 = """
image = ContainerImage.create(name = "myimage", models = [model], image_config = image_config, workspace = ws)
"""

IMAGE_LOCATION_2019 = """
# print image location
print(image.image_location)
"""

LOGS = """
# if you already have the service object handy
print(service.get_logs())

# if you only know the name of the service (note there might be multiple services with the same name but different version number)
print(ws.webservices['mysvc'].get_logs())
"""

MODEL_PATH_2019 = """
import logging
logging.basicConfig(level=logging.DEBUG)
from azureml.core.model import Model
print(Model.get_model_path(model_name='my-best-model'))
"""

MODEL_PATH_2020 = """
from azureml.core.model import Model
import logging
logging.basicConfig(level=logging.DEBUG)
print(Model.get_model_path(model_name='my-best-model'))
"""

REPLICAS = """
from math import ceil
# target requests per second
targetRps = 20
# time to process the request (in seconds)
reqTime = 10
# Maximum requests per container
maxReqPerContainer = 1
# target_utilization. 70% in this example
targetUtilization = .7

concurrentRequests = targetRps * reqTime / targetUtilization

# Number of container replicas
replicas = ceil(concurrentRequests / maxReqPerContainer)
"""

INFERENCE_2020 = """
from azureml.core.model import InferenceConfig
from azureml.core.environment import Environment


# create inference configuration based on the requirements defined in the YAML
myenv = Environment.from_conda_specification(name="myenv", file_path="myenv.yml")
inference_config = InferenceConfig(entry_script="score.py", environment=myenv)
"""

ACI_2020 = """
from azureml.core.webservice import AciWebservice


# deploy the model
aci_config = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1)
aci_service = Model.deploy(workspace=ws,
                       name='my-service',
                       models=[model],
                       inference_config=inference_config,
                       deployment_config=aci_config)
aci_service.wait_for_deployment(show_output=True)
"""

LOCAL_2020 = """
from azureml.core.environment import Environment
from azureml.core.model import InferenceConfig, Model
from azureml.core.webservice import LocalWebservice


# Create inference configuration based on the environment definition and the entry script
myenv = Environment.from_conda_specification(name="env", file_path="myenv.yml")
inference_config = InferenceConfig(entry_script="score.py", environment=myenv)
# Create a local deployment, using port 8890 for the web service endpoint
deployment_config = LocalWebservice.deploy_configuration(port=8890)
# Deploy the service
service = Model.deploy(
    ws, "mymodel", [model], inference_config, deployment_config)
# Wait for the deployment to complete
service.wait_for_deployment(True)
# Display the port that the web service is available on
print(service.port)
"""

RUN_2020 = """
import json

test_sample = json.dumps({'data': [
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    [10, 9, 8, 7, 6, 5, 4, 3, 2, 1]
]})

test_sample = bytes(test_sample, encoding='utf8')

prediction = service.run(input_data=test_sample)
print(prediction)
"""

RELOAD_2020 = """
service.reload()
print(service.run(input_data=test_sample))
"""

UPDATE_2020 = """
service.update([different_model], inference_config, deployment_config)
"""

REMOTE_2021 = """
print(ws.webservices)

# Choose the webservice you are interested in

from azureml.core import Webservice

service = Webservice(ws, '<insert name of webservice>')
print(service.get_logs())
"""


def execute(block: str, names: dict[str, Any]) -> None:
    """Run a block in the documents' namespace."""
    exec(compile(block, "<block>", "exec"), names)
