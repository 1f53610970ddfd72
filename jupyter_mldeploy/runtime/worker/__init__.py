"""The process that owns the user's script: standard library only, any Python from 3.9 on.

The front starts `boot.py` by its path with the interpreter of the user's environment, which does not have
jupyter_mldeploy; there these modules are one private package, `_mldeploy_worker`. They import each other relatively
and nothing else but the standard library.
"""
