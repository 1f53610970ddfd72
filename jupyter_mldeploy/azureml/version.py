"""The version of the SDK whose names these are."""

VERSION = "1.61.0"
