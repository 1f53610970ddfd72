"""The package in a notebook: magics, the live timeline, panels, and what a saved notebook keeps of them.

The only layer that knows IPython, ipywidgets and pandas. Nothing here is imported before it is used: ``%load_ext`` registers
names, no more.
"""
