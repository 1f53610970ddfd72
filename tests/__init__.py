"""Tests: unit, runtime, notebook, contract (one suite, every target), diagnosis, engines, documents."""
