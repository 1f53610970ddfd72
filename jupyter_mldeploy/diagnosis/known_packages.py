"""What is known of names that scripts import: which belong to packages on PyPI, and what those packages are called.

It decides between two answers with opposite advice: "install the package" and "ship your own file".
"""

from __future__ import annotations

import re
import sys

from jupyter_mldeploy.diagnosis.removed_modules import removed

__all__ = ["belongs_to_package", "called_as_own", "is_namespace", "looks_own", "requirement"]

_REQUIREMENTS = {
    "attr": "attrs", "azureml": "azureml-defaults", "azureml.automl": "azureml-automl-runtime",
    "azureml.dataprep": "azureml-dataprep", "azureml.interpret": "azureml-interpret",
    "azureml.mlflow": "azureml-mlflow", "azureml.monitoring": "azureml-monitoring",
    "azureml.telemetry": "azureml-telemetry", "bs4": "beautifulsoup4", "catboost": "catboost",
    "category_encoders": "category-encoders", "cv2": "opencv-python-headless", "Crypto": "pycryptodome",
    "dateutil": "python-dateutil", "dns": "dnspython", "docx": "python-docx", "dotenv": "python-dotenv",
    "faiss": "faiss-cpu", "fitz": "PyMuPDF", "gi": "PyGObject", "github": "PyGithub", "haystack": "farm-haystack",
    "hydra": "hydra-core", "imblearn": "imbalanced-learn", "inference_schema": "inference-schema[numpy-support]",
    "jose": "python-jose", "jwt": "PyJWT", "keras": "keras", "lightning": "lightning", "magic": "python-magic",
    "MySQLdb": "mysqlclient", "OpenSSL": "pyOpenSSL", "PIL": "Pillow", "pkg_resources": "setuptools",
    "pptx": "python-pptx", "psycopg2": "psycopg2-binary", "pytorch_lightning": "pytorch-lightning",
    "ruamel": "ruamel.yaml", "sentence_transformers": "sentence-transformers", "serial": "pyserial",
    "skimage": "scikit-image", "sklearn": "scikit-learn", "sklearn_crfsuite": "sklearn-crfsuite",
    "skopt": "scikit-optimize", "slugify": "python-slugify", "snowflake": "snowflake-connector-python",
    "spacy": "spacy", "surprise": "scikit-surprise", "tf_keras": "tf-keras", "torch": "torch",
    "torchvision": "torchvision", "umap": "umap-learn", "win32api": "pywin32", "xgboost": "xgboost", "yaml": "PyYAML",
    "zmq": "pyzmq", "applicationinsights": "applicationinsights", "tensorflow_hub": "tensorflow-hub",
    "tensorflow_text": "tensorflow-text", "en_core_web_sm": "en-core-web-sm", "multipart": "python-multipart",
    "Levenshtein": "python-Levenshtein", "community": "python-louvain", "osgeo": "GDAL", "mpl_toolkits": "matplotlib",
    "OpenGL": "PyOpenGL", "usb": "pyusb", "Bio": "biopython", "apiclient": "google-api-python-client",
    "bayes_opt": "bayesian-optimization", "causallearn": "causal-learn", "clip": "openai-clip",
    "firebase_admin": "firebase-admin", "googleapiclient": "google-api-python-client", "jpype": "JPype1",
    "langchain_core": "langchain-core", "llama_cpp": "llama-cpp-python", "mecab": "mecab-python3",
    "mysql": "mysql-connector-python", "office365": "Office365-REST-Python-Client", "open_clip": "open-clip-torch",
    "openbabel": "openbabel-wheel", "opensearchpy": "opensearch-py", "pywt": "PyWavelets", "paddle": "paddlepaddle",
    "pythonjsonlogger": "python-json-logger", "pyaudio": "PyAudio", "samgeo": "segment-geospatial",
    "sparknlp": "spark-nlp", "spellchecker": "pyspellchecker", "stable_baselines3": "stable-baselines3",
    "vertexai": "google-cloud-aiplatform", "websocket": "websocket-client", "whisper": "openai-whisper",
    "tabnet": "pytorch-tabnet", "dask_ml": "dask-ml", "kafka": "kafka-python", "paho": "paho-mqtt",
    "MeCab": "mecab-python3", "pyannote": "pyannote.audio", "prometheus_client": "prometheus-client",
}  # fmt: skip
"""Names whose package is called otherwise, or that deserve an exact spelling."""

_GOOGLE = {
    "google.api": "googleapis-common-protos", "google.api_core": "google-api-core", "google.auth": "google-auth",
    "google.cloud.client": "google-cloud-core", "google.cloud.exceptions": "google-cloud-core",
    "google.cloud.secretmanager": "google-cloud-secret-manager", "google.cloud.sql": "cloud-sql-python-connector",
    "google.oauth2": "google-auth", "google.protobuf": "protobuf", "google.rpc": "googleapis-common-protos",
}  # fmt: skip
_AZURE_FAMILIES = {
    "ai", "communication", "data", "digitaltwins", "health", "iot", "keyvault", "maps", "mgmt", "monitor", "search", "storage",
}  # fmt: skip
_AZURE = {
    "azure.ai": "azure-ai-ml", "azure.keyvault": "azure-keyvault-secrets", "azure.storage": "azure-storage-blob",
    "azure.storage.filedatalake": "azure-storage-file-datalake", "azure.storage.fileshare": "azure-storage-file-share",
}  # fmt: skip
"""Where the package is not called as the module is, with ``-`` for each dot."""
_NAMESPACES = {"azure", "google", "google.cloud", "ruamel", *(f"azure.{family}" for family in _AZURE_FAMILIES)}

_NAMES = """
absl accelerate adlfs aiobotocore aiofiles aiohttp aiokafka albumentations alibi alibi_detect altair annoy ansible
anthropic anyio apex apscheduler arch arrow arviz asgiref asyncpg attrs auto_gptq auto_round autogluon autokeras automl
av avro awq azure azureml babel backoff bentoml bert_score bidict bitsandbytes blinker blosc bokeh boltons boto boto3
botocore bottle bottleneck bz2file cached_property cachetools catboost causalml celery cerberus certifi cffi chainer
chardet charset_normalizer chromadb clearml click cloudpickle cmdstanpy colorama colorlog comet_ml confluent_kafka
crfsuite croniter cryptography ctranslate2 cudf cuml cupy cvxpy cython cython_bbox cytoolz darts dash dask databricks
dataclasses_json dataprep datasets datatable dateparser deap decouple deepchecks deepspeed deltalake detectron2 dice_ml
diffusers dill distributed django docker docopt dowhy dramatiq duckdb dynaconf easydict easyocr econml editdistance
efficientnet_pytorch einops elasticsearch emoji environs evaluate evidently face_recognition fairlearn fairseq faiss
faker falcon fastai fastapi faster_whisper fastparquet fasttext faust fbprophet feast feature_engine featuretools
filelock fiona fire flair flaml flasgger flash_attn flask folium frozendict fsspec ftfy fuzzywuzzy gcsfs gensim
geopandas geopy gevent git gliner gluonts google gpytorch gradio graphene great_expectations greenlet groundingdino grpc
gunicorn h2o h3 h5py haversine hdbscan hnswlib holidays horovod httptools httpx huey huggingface_hub humanize
hummingbird hydra_zen hyperopt ibm_db idna igraph imagehash imageio imgaug implicit importlib_metadata
importlib_resources inference_sdk inflect intel_extension_for_pytorch interpret ipykernel ipywidgets iso8601 isodate
itsdangerous jax jaxlib jieba jinja2 joblib jpype jsonargparse jsonpickle jsonschema jupyter kafka kagglehub kats
keras_core keras_cv keras_hub keras_nlp keras_preprocessing keras_tuner kmodes kneed kombu konlpy kornia kubernetes
langchain langdetect language_tool_python lap lazypredict librosa lifelines lightfm lightgbm lime llama_cpp llvmlite
lm_eval loguru lxml lz4 mapie markdown markupsafe marshmallow matplotlib mecab mediapipe minio minisom mlflow
mlflow_skinny mlserver mlxtend mmcv mmdet model_bakery modelscope modin monai more_itertools moviepy msal
msal_extensions msgpack multidict mxnet mysql names nannyml nats ncnn neo4j networkx neural_compressor neuralprophet
ngboost nibabel nltk nmslib num2words numba numexpr numpy omegaconf onnx onnx2torch onnxmltools onnxruntime onnxscript
onnxsim open3d open_clip openai opencensus openpyxl opentelemetry openvino openvino_genai optimum optuna orbit orjson
osmnx outlines packaging paddle paddleocr paho pandas pandera paramiko parfit passlib patsy pdfminer pdfplumber peft
pendulum pgeocode pgvector phonenumbers pika pillow pinecone pingouin plotly pmdarima polars popmon ppscore prefect
presidio_analyzer pretrainedmodels prometheus_client prophet protobuf psutil psycopg ptvsd py4j pyannote pyarrow pyaudio
pyautogui pycaret pyclustering pycocotools pycountry pycuda pydantic pydicom pydot pydub pygam pygments pyhive pyiceberg
pymc pymc3 pymilvus pymongo pymssql pymysql pynndescent pynvml pyod pyodbc pyopencl pypdf pyproj pyreadstat pyro pyspark
pystan pytesseract pytest pythainlp pythonjsonlogger pythresh pytorch_forecasting pytz pywt pyxlsb qdrant_client
rank_bm25 rapidfuzz rasterio ratelimit ray rdkit redis regex reportlab requests responses retrying rich river roboflow
rouge_score rpy2 rq s3fs s3transfer sacrebleu sacremoses safetensors sagemaker sanic schedule scikeras scikitplot scipy
scispacy seaborn segment_anything segmentation_models segmentation_models_pytorch selenium sentencepiece sentry_sdk
seqeval setfit setuptools shap shapely simplejson six skl2onnx skops skorch sktime slack smart_open snorkel
sortedcontainers soundfile spacy_transformers span_marker sparknlp spellchecker sqlalchemy sqlmodel stable_baselines3
stanza starlette statsforecast statsmodels streamlit stripe structlog stumpy supervision sympy symspellpy tables tabnet
tabpfn tabulate tblib tenacity tensorboard tensorflow tensorflow_addons tensorflow_probability tensorrt termcolor
text2vec text_unidecode textblob textdistance textstat tf2onnx tf_agents tflite_runtime thinc thrift tiktoken timm
tokenizers toml toolz torch torch2trt torch_geometric torch_scatter torch_sparse torchaudio torchmetrics torchtext
torchvision tornado tqdm traitlets transformers treeinterpreter treelite triton tritonclient trl tsai tsfresh tslearn
twilio typer typing_extensions typing_inspect tzlocal ujson ultralytics unidecode urllib3 usearch uvicorn uvloop
vaderSentiment vaex validators vllm wandb watchdog weasyprint weaviate websocket websockets werkzeug wheel whylogs
wordcloud wrapt xarray xformers xgboost xlrd xlsxwriter xmltodict yacs yellowbrick yfinance zarr zeep zipp zstandard
"""
_PACKAGES = frozenset(_NAMES.split())
_PACKAGE_PREFIXES = (
    "azure_", "azureml_", "flask_", "fastapi_", "google_", "jupyter_", "langchain_", "llama_index", "opentelemetry_",
    "prometheus_", "pytorch_", "scikit_", "sklearn_", "spacy_", "tensorflow_", "torch_", "xgboost_", "pydantic_", "nvidia",
)  # fmt: skip
_OWN_WORDS = re.compile(
    r"""(?ix)^_*(?:my|our|custom|local|project|src|lib|libs|app|apps|core|common|shared|code|pkg|modules?|packages?
    |utils?|utilities|helpers?|tools?|misc|funcs?|functions?|constants?|settings|config\w*|conf|params|types
    |feature\w*|features?|pre_?process\w*|post_?process\w*|process\w*|transform(?:s|ers?|ations?)?_?\w*|clean\w*|encod\w*
    |pipelines?|models?|networks?|nets?|layers?|loss(?:es)?|metrics?|data|datas?e?t?s?|dataset_\w+|loaders?|data_?loaders?
    |train\w*|predict\w*|inference|infer|score_?\w*|scor(?:ing|er)\w*|serv(?:e|ing|ice)\w*|evaluat\w*|schemas?|tokeni[sz]\w*
    |architectures?|modell?ing|estimators?|text_?\w*|business\w*|domain|main|dialogue|handlers?|wrappers?)$
    |_(?:utils?|helpers?|tools?|lib|common|features?|preprocess\w*|transform\w*|pipeline|model|models|code|scoring|custom|funcs?|core|encoders?)$
    |^(?:my|our|custom|helper|util|preprocess|feature|acme|team|company)_"""
)


def top(module: str) -> str:
    return module.split(".", 1)[0]


def requirement(module: str) -> str:
    """What to write into the requirements to have a module."""
    parts = module.split(".")
    if parts[0] in {"azure", "google"}:
        return _of_namespace(parts)
    if gone := removed(module):
        return gone[2]
    for length in (2, 1):
        if named := _REQUIREMENTS.get(".".join(parts[:length])):
            return named
    return parts[0].replace("_", "-") if parts[0] else ""


def _of_namespace(parts: list[str]) -> str:
    """A package of a family that shares its first names; ``""`` where only these are known."""
    names = _AZURE if parts[0] == "azure" else _GOOGLE
    parts = [re.sub(r"_v\d\w*$", "", part) for part in parts]
    of_family = parts[1:2] == ["cloud"] or (parts[0] == "azure" and parts[1:2] and parts[1] in _AZURE_FAMILIES)
    known = parts[: 3 if of_family else 2]
    if named := names.get(".".join(known)):
        return named
    return "-".join(known).replace("_", "-") if len(known) == (3 if of_family else 2) else ""


def is_namespace(module: str) -> bool:
    """Whether packages of many names share this one, so that it alone tells of none."""
    return module in _NAMESPACES


def belongs_to_package(module: str) -> bool:
    """Whether the name is one of a package on PyPI or of Python itself, also of an older one."""
    name = top(module)
    if removed(module):
        return True
    if name in _PACKAGES or name.lower() in _PACKAGES or name in _REQUIREMENTS or module in _REQUIREMENTS:
        return True
    if name in sys.stdlib_module_names:
        return True
    return name.startswith(_PACKAGE_PREFIXES) and not _OWN_WORDS.search(name)


def looks_own(module: str) -> bool:
    """Whether the name is of a kind that people give to files of their own project, and no package has it."""
    return called_as_own(module) or (not belongs_to_package(module) and "_" in top(module).strip("_"))


def called_as_own(module: str) -> bool:
    """Whether it has one of the usual names of such files, and is not only none of a package known here."""
    return not belongs_to_package(module) and any(_OWN_WORDS.search(part) for part in module.split(".")[:2])
