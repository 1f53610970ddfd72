"""A script that declares its schemas with the real inference-schema package."""

from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
from inference_schema.schema_decorators import input_schema, output_schema


def init():
    pass


@input_schema("data", StandardPythonParameterType([1, 2]))
@input_schema("scale", StandardPythonParameterType(2), optional=True)
@output_schema(StandardPythonParameterType([2, 4]))
def run(data, scale=2):
    return [value * scale for value in data]
