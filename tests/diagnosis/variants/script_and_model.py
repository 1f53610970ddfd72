"""Messages of the scoring script and of loading models."""

from __future__ import annotations

from tests.diagnosis.variants.imports_and_crashes import case

CASES = [
    case("score-missing-init-run", "AttributeError: module 'main' has no attribute 'init'", stage="init"),
    case(
        "score-missing-init-run",
        "azureml_inference_server_http.server.user_script.UserScriptError: User script at /app/score.py does "
        "not have a run() function defined.",
        stage="init",
    ),
    case(
        "score-missing-init-run",
        "TypeError: run() takes 0 positional arguments but 1 was given",
        stage="run",
        http_status=500,
    ),
    case(
        "score-missing-init-run",
        "AttributeError: module 'score' has no attribute 'run'. Did you mean: 'runs'?",
        stage="launch",
    ),
    case(
        "score-syntax-error",
        """
          File "/var/azureml-app/score.py", line 11
            def run(data)
                        ^
        SyntaxError: invalid syntax
        """,
        stage="init",
    ),
    case(
        "score-syntax-error",
        '  File "score.py", line 9\n    return 1\nIndentationError: unindent does not match any outer '
        "indentation level",
        stage="init",
    ),
    case(
        "score-syntax-error",
        '  File "score.py", line 4\n    %matplotlib inline\n    ^\nSyntaxError: invalid syntax',
        stage="launch",
    ),
    case(
        "config-file-missing",
        """
        Traceback (most recent call last):
          File "/app/score.py", line 8, in init
            with open("config/settings.yaml") as f:
        FileNotFoundError: [Errno 2] No such file or directory: 'config/settings.yaml'
        """,
        stage="init",
    ),
    case(
        "config-file-missing",
        """
          File "/var/azureml-app/score.py", line 21, in init
            labels = json.load(open('labels.json'))
        FileNotFoundError: [Errno 2] No such file or directory: 'labels.json'
        """,
        stage="init",
    ),
    case(
        "config-file-missing",
        "FileNotFoundError: [Errno 2] No such file or directory: './conf/logging.ini'",
        stage="init",
    ),
    case(
        "model-not-global",
        """
          File "/var/azureml-app/score.py", line 20, in run
            result = model.predict(data)
        NameError: name 'model' is not defined
        """,
        stage="run",
        http_status=500,
    ),
    case("model-not-global", "NameError: name 'clf' is not defined", stage="run", http_status=502),
    case(
        "model-not-global",
        """
          File "/app/score.py", line 12, in run
            y = session.run(None, {"x": x})
        NameError: name 'session' is not defined. Did you mean: 'sessions'?
        """,
        stage="run",
    ),
    case(
        "model-file-not-found",
        """
          File "/var/azureml-app/score.py", line 14, in init
            model = joblib.load(model_path)
          File "/opt/miniconda/lib/python3.8/site-packages/joblib/numpy_pickle.py", line 577, in load
            with open(filename, 'rb') as f:
        FileNotFoundError: [Errno 2] No such file or directory: 'azureml-models/iris/1/model.pkl'
        """,
        stage="init",
    ),
    case(
        "model-file-not-found",
        "OSError: SavedModel file does not exist at: /models/clf/{saved_model.pbtxt|saved_model.pb}",
        stage="init",
    ),
    case("model-file-not-found", "OSError: No file or directory found at ./outputs/cnn.h5", stage="init"),
    case(
        "model-file-not-found",
        "onnxruntime.capi.onnxruntime_pybind11_state.NoSuchFile: [ONNXRuntimeError] : 3 : NO_SUCHFILE : Load "
        "model from m.onnx failed:Load model m.onnx failed. File doesn't exist",
        stage="init",
    ),
    case(
        "model-file-not-found",
        "OSError: Error no file named pytorch_model.bin, model.safetensors, tf_model.h5 found in directory "
        "/mnt/models/bert.",
        stage="init",
    ),
    case(
        "model-path-lookup-failed",
        "azureml.exceptions._azureml_exception.ModelNotFoundException: ModelNotFoundException:\n\tMessage: "
        "Model iris-clf not found in cache at azureml-models or in current working directory /var/azureml-app. "
        "For more info, set logging level to DEBUG.",
        stage="init",
    ),
    case(
        "model-path-lookup-failed",
        '{"code": "DeploymentTimedOut", "statusCode": 504, "message": "Deployment timed out", "details": '
        '[{"message": "Model not found in cache or in root at ./azureml-models/x"}]}',
        stage="init",
        http_status=504,
    ),
    case(
        "model-dir-env-missing",
        """
          File "score.py", line 7, in init
            model_path = os.path.join(os.getenv("AZUREML_MODEL_DIR"), "model.pkl")
          File "/usr/lib/python3.8/posixpath.py", line 76, in join
            a = os.fspath(a)
        TypeError: expected str, bytes or os.PathLike object, not NoneType
        """,
        stage="init",
    ),
    case(
        "model-dir-env-missing",
        '  File "/usr/lib/python3.10/os.py", line 680, in __getitem__\n    raise KeyError(key) from '
        "None\nKeyError: 'AZUREML_MODEL_DIR'",
        stage="init",
    ),
    case(
        "model-dir-env-missing",
        "  File \"score.py\", line 5, in init\n    p = Path(os.getenv('MODEL_DIR')) / 'm.pkl'\nTypeError: "
        "expected str, bytes or os.PathLike object, not NoneType",
        stage="init",
    ),
    case("model-file-corrupt", "_pickle.UnpicklingError: invalid load key, 'v'.", stage="init"),
    case("model-file-corrupt", "EOFError: Ran out of input", stage="init"),
    case("model-file-corrupt", "OSError: Unable to open file (file signature not found)", stage="init"),
    case(
        "model-file-corrupt",
        "RuntimeError: PytorchStreamReader failed reading zip archive: failed finding central directory",
        stage="init",
    ),
    case(
        "model-file-corrupt",
        "safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge",
        stage="init",
    ),
    case(
        "model-file-corrupt",
        "onnxruntime.capi.onnxruntime_pybind11_state.InvalidProtobuf: [ONNXRuntimeError] : 7 : "
        "INVALID_PROTOBUF : Load model from m.onnx failed:Protobuf parsing failed.",
        stage="init",
    ),
    case("pickle-protocol-unsupported", "ValueError: unsupported pickle protocol: 5", stage="init"),
    case("pickle-protocol-unsupported", "TypeError: an integer is required (got type bytes)", stage="init"),
    case("pickle-protocol-unsupported", "TypeError: code() argument 13 must be str, not int", stage="init"),
    case(
        "pickle-main-attribute",
        "AttributeError: Can't get attribute 'ColumnSelector' on <module '__main__' from '/usr/local/bin/gunicorn'>",
        stage="init",
    ),
    case("pickle-main-attribute", "AttributeError: module '__main__' has no attribute 'clean_text'", stage="init"),
    case(
        "pickle-main-attribute",
        "AttributeError: Can't get attribute 'Net' on <module '__main__' (built-in)>",
        stage="init",
    ),
    case(
        "sklearn-version-mismatch",
        "UserWarning: Trying to unpickle estimator DecisionTreeClassifier from version 0.24.2 when using "
        "version 1.3.0.\nValueError: node array from the pickle has an incompatible dtype:\n- expected: "
        "{'names': [...]}",
        stage="init",
    ),
    case(
        "sklearn-version-mismatch",
        '  File "/app/score.py", line 22, in run\n    return model.predict(x).tolist()\nAttributeError: '
        "'SimpleImputer' object has no attribute '_fill_dtype'",
        stage="run",
        http_status=500,
    ),
    case(
        "sklearn-version-mismatch",
        "AttributeError: Can't get attribute '_RemainderColsList' on <module "
        "'sklearn.compose._column_transformer' from '/x/_column_transformer.py'>",
        stage="init",
    ),
    case(
        "keras-h5py-incompatible",
        '  File "/x/site-packages/keras/engine/saving.py", line 1004, in load_weights\n    '
        "original_keras_version = f.attrs['keras_version'].decode('utf8')\nAttributeError: 'str' object has no "
        "attribute 'decode'",
        stage="init",
    ),
    case(
        "keras-h5py-incompatible",
        '  File "/x/tensorflow_core/python/keras/saving/hdf5_format.py", line 651, in '
        "load_weights_from_hdf5_group\nAttributeError: 'str' object has no attribute 'decode'",
        stage="init",
    ),
    case(
        "torch-cuda-unavailable",
        "RuntimeError: Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is "
        "False. If you are running on a CPU-only machine, please use torch.load with "
        "map_location=torch.device('cpu') to map your storages to the CPU.",
        stage="init",
    ),
    case("torch-cuda-unavailable", "AssertionError: Torch not compiled with CUDA enabled", stage="init"),
    case(
        "torch-cuda-unavailable",
        "RuntimeError: Attempting to deserialize object on CUDA device 1 but torch.cuda.device_count() is 1. "
        "Please use torch.load with map_location to map your storages to an existing device.",
        stage="init",
    ),
    case(
        "torch-weights-only",
        "_pickle.UnpicklingError: Weights only load failed. This file can still be loaded, to do so you have "
        "two options, do those steps only if you trust the source of the checkpoint.\n\t(1) In PyTorch 2.6, we "
        "changed the default value of the `weights_only` argument in `torch.load` from `False` to "
        "`True`.\n\tWeightsUnpickler error: Unsupported global: GLOBAL net.Net was not an allowed global by "
        "default.",
        stage="init",
    ),
    case(
        "torch-weights-only",
        "_pickle.UnpicklingError: Weights only load failed. Re-running `torch.load` with `weights_only` set to "
        "`False` will likely succeed, but it can result in arbitrary code execution.",
        stage="init",
    ),
    case(
        "model-architecture-mismatch",
        "RuntimeError: Error(s) in loading state_dict for Net:\n\tsize mismatch for fc.weight: copying a param "
        "with shape torch.Size([10, 512]) from checkpoint, the shape in current model is torch.Size([2, 512]).",
        stage="init",
    ),
    case(
        "model-architecture-mismatch",
        "RuntimeError: Error(s) in loading state_dict for BertForSequenceClassification:\n\tMissing key(s) in "
        'state_dict: "bert.embeddings.position_ids".',
        stage="init",
    ),
    case(
        "model-architecture-mismatch",
        "ValueError: You are trying to load a weight file containing 4 layers into a model with 3 layers.",
        stage="init",
    ),
    case(
        "runtime-download-blocked",
        "OSError: We couldn't connect to 'https://huggingface.co' to load this file, couldn't find it in the "
        "cached files and it looks like bert-base-uncased is not the path to a directory containing a file "
        "named config.json.",
        stage="init",
    ),
    case(
        "runtime-download-blocked",
        "[nltk_data] Error loading punkt: <urlopen error [Errno -3] Temporary\n[nltk_data]     failure in name "
        "resolution>\nLookupError: \n**********************************************************************\n  "
        "Resource punkt not found.\n  Please use the NLTK Downloader to obtain the resource:",
        stage="init",
    ),
    case(
        "runtime-download-blocked",
        '  File "/app/score.py", line 10, in init\n    urllib.request.urlretrieve(URL, '
        "'model.bin')\nurllib.error.URLError: <urlopen error [Errno 110] Connection timed out>\n",
        stage="init",
    ),
    case(
        "runtime-download-blocked",
        '  File "/app/score.py", line 6, in init\n    model = '
        "torch.hub.load_state_dict_from_url('https://download.pytorch.org/models/resnet18.pth')\nurllib.error.U"
        "RLError: <urlopen error [Errno -2] Name or service not known>",
        stage="init",
    ),
    case(
        "missing-env-var",
        '  File "/app/score.py", line 3, in <module>\n    key = os.environ["STORAGE_ACCOUNT_URL"]\n  File '
        '"/usr/lib/python3.11/os.py", line 679, in __getitem__\n    raise KeyError(key) from None\nKeyError: '
        "'STORAGE_ACCOUNT_URL'",
        stage="init",
    ),
    case("missing-env-var", "start.sh: line 4: MODEL_BUCKET: unbound variable", stage="launch", exit_code=1),
    case(
        "missing-env-var",
        "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings\ndatabase_url\n  Field "
        "required [type=missing, input_value={}, input_type=dict]",
        stage="launch",
        exit_code=1,
    ),
    case("missing-env-var", "RuntimeError: Environment variable DB_PASSWORD is not set", stage="launch", exit_code=1),
]
