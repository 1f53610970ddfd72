"""Modules that belonged to Python itself and were taken out of it: no package of that name brings them back."""

from __future__ import annotations

__all__ = ["removed"]

_REMOVED = {
    "3.0": "ConfigParser=configparser Queue=queue StringIO=io Tkinter=tkinter __builtin__=builtins cPickle=pickle "
    "cStringIO=io commands=subprocess cookielib=http.cookiejar copy_reg=copyreg httplib=http.client md5=hashlib "
    "sets sha=hashlib thread=_thread urllib2=urllib.request urlparse=urllib.parse xmlrpclib=xmlrpc.client",
    "3.9": "_dummy_thread=_thread dummy_threading=threading",
    "3.10": "formatter parser=ast symbol=ast",
    "3.11": "binhex",
    "3.12": "asynchat=asyncio asyncore=asyncio distutils=setuptools imp=importlib smtpd=aiosmtpd",
    "3.13": "aifc audioop cgi cgitb chunk crypt imghdr lib2to3 mailcap msilib nis nntplib ossaudiodev pipes=subprocess "
    "sndhdr spwd sunau telnetlib uu=binascii xdrlib",
}
"""Under the version that has it no more: the module, and after ``=`` what took its place, if anything did."""

_BROUGHT_BACK = {
    "asynchat": "pyasynchat",
    "asyncore": "pyasyncore",
    "audioop": "audioop-lts",
    "cgi": "legacy-cgi",
    "crypt": "crypt-r",
    "distutils": "setuptools",
}
"""Packages that bring one back, besides those called ``standard-MODULE``."""
_STANDARD = {
    "aifc", "cgitb", "chunk", "imghdr", "mailcap", "nntplib", "pipes", "smtpd", "sndhdr", "sunau", "telnetlib", "uu", "xdrlib",
}  # fmt: skip
_MODULES = {
    entry.partition("=")[0]: (version, entry.partition("=")[2])
    for version, entries in _REMOVED.items()
    for entry in entries.split()
}


def removed(module: str) -> tuple[str, str, str] | None:
    """Since which Python a module is gone, what took its place, and the package that brings it back (or ``""``)."""
    name = module.partition(".")[0]
    if name not in _MODULES:
        return None
    version, instead = _MODULES[name]
    return version, instead, _BROUGHT_BACK.get(name) or (f"standard-{name}" if name in _STANDARD else "")
