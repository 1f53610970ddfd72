"""The way from the build to the package index: proxy, TLS, network.

These stand before everything that installers say afterwards, because without the index they say that nothing exists.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_mldeploy.diagnosis.rule import Depth, Finding, rule
from jupyter_mldeploy.diagnosis.signs import Sign, show
from jupyter_mldeploy.diagnosis.stages import building, overcome

if TYPE_CHECKING:
    from jupyter_mldeploy.diagnosis.reading import Hit, Reading

_SIGNS = (
    Sign(
        "build-proxy-failure",
        r"tunnel connection failed: 407|407 proxy auth|407  proxy auth|proxy authentication required|http 407",
        Depth.ROOT - 3,
        "the proxy demands user name and password",
    ),
    Sign(
        "build-proxy-failure",
        r"tunnel connection failed: (?P<answer>[^')\n]+)|received http code \d+ from proxy after connect",
        Depth.ROOT - 3,
        "the proxy refuses the connection",
    ),
    Sign(
        "build-proxy-failure",
        r"could not resolve proxy: (?P<proxy>[\w.-]+)|proxyerror\(|proxyerror: |cannot connect to proxy"
        r"|unable to connect to proxy"
        r"|proxyconnect tcp: (?P<tcp>[^\n]+)|error in your proxy configuration"
        r"|temporary failure resolving '(?P<name>[^'\n]*proxy[^'\n]*)'"
        r"|missing dependencies for socks support|failed to connect to [^\n]*proxy|proxyschemeunknown|invalidproxyurl"
        r"|could not connect to (?P<host>[^\n]*proxy[^\s:]*)|tunnel error: |tunneling socket could not be established"
        r"|unsupported proxy scheme|not supported proxy scheme",
        Depth.ROOT - 3,
        "the proxy cannot be reached, or its address is wrong",
    ),
    Sign(
        # apt names the host it fetches from and the host it cannot reach: if they differ, that is the proxy.
        "build-proxy-failure",
        r"failed to fetch https?://(?P<from>[\w.-]+)\S*\s+(?:could not (?:resolve|connect to)|unable to connect to"
        r"|temporary failure resolving) '?(?!(?P=from))(?P<proxy>[\w.-]+)",
        Depth.ROOT - 3,
        "the proxy cannot be reached, or its address is wrong",
    ),
    Sign(
        "build-proxy-failure",
        r"eof occurred in violation of protocol|ssleoferror|unexpected_eof_while_reading",
        Depth.ROOT - 2,
        "something on the way, usually a proxy, cuts the TLS connection",
        certain=False,
    ),
    Sign(
        "build-proxy-failure",
        r"wrong_version_number|wrong version number",
        Depth.ROOT - 2,
        "the proxy is addressed with https:// but speaks HTTP",
        certain=False,
    ),
    Sign(
        "build-tls-cert-failure",
        r"certificate_verify_failed|certificate verify failed|sslcertverificationerror"
        r"|self[- ]signed certificate|unable to get local issuer certificate"
        r"|x509: (?P<reason>[^\n]+)|invalid peer certificate|unknownissuer"
        r"|ssl certificate problem: (?P<curl>[^\n]+)|server certificate verification failed"
        r"|certificate verification failed"
        r"|peer certificate cannot be authenticated|ssl peer certificate or ssh remote key was not ok"
        r"|condasslerror|there was a problem confirming the ssl certificate: (?!eof|httpsconnectionpool)[^\n]*"
        r"|unable to locally verify the issuer's authority|tls: failed to verify certificate"
        r"|ssl module is not available|ssl: bad_signature|the certificate is not trusted|certificate is not trusted"
        r"|error setting certificate verify locations|could not find a suitable tls ca certificate bundle"
        r"|error adding trust anchors",
        Depth.ROOT - 1,
    ),
    Sign(
        "build-network-unreachable",
        r"temporary failure in name resolution|name or service not known|nodename nor servname|getaddrinfo failed"
        r"|nameresolutionerror|failed to resolve '|could not resolve host: (?P<host>[\w.-]+)"
        r"|temporary failure resolving '(?P<name>[^'\n]+)'"
        r"|unable to resolve host address|failed to lookup address information|no address associated with hostname"
        r"|dns error|could not resolve hostname|could not resolve '(?P<old>[^'\n]+)'",
        reason="the host name cannot be resolved (DNS)",
    ),
    Sign(
        "build-network-unreachable",
        r"not enough bytes were received|incomplete-download|incompleteread|connection broken: (?!proxy|ssl)"
        r"|contenttoosh?ort"
        r"|download(?:ed)? (?:file )?(?:is )?(?:incomplete|truncated)|content-length mismatch|badzipfile"
        r"|file is not a zip file"
        r"|response ended prematurely|unexpected end of file|early eof|transfer closed with"
        r"|bad magic number for central directory"
        r"|error decoding response body|end of file before message length|failed to extract archive",
        reason="the download was cut off",
    ),
    Sign(
        "build-network-unreachable",
        r"readtimeouterror|read timed out|connecttimeouterror|connection to (?P<host>[\w.-]+) timed out"
        r"|connecttimeout"
        r"|condahttperror: http 000|connection failed for url|network is unreachable|no route to host"
        r"|errno 101\]|errno 113\]"
        r"|errno 110\]|errno 104\]|connection reset by peer|connectionreseterror|remotedisconnected"
        r"|remote end closed connection"
        r"|newconnectionerror|connection timed out|operation timed out|connection aborted|protocolerror"
        r"|connectionerror: "
        r"|could not fetch url|cannot fetch index base url|error sending request for url|tcp connect error"
        r"|failed to connect to"
        r"|could not connect, are you offline|connectionfailed|network connectivity"
        r"|download error \((?:6|7|28|35|56)\)"
        r"|condahttperror: http (?:5\d\d|403|429)|failed to fetch: `(?P<url>[^`\n]+)|request failed after \d+ retries"
        r"|http error 5\d\d while getting|(?:502|503|504) server error: [^\n]* for url|couldn't connect to server",
        reason="the connection fails or times out",
    ),
)
_HOST = re.compile(
    r"host='(?P<pool>[^']+)'|https?://(?P<url>[\w.-]+)|host: (?P<curl>[\w.-]+)|resolving '(?P<apt>[^']+)'"
    r"|resolve '(?P<resolve>[^']+)'"
)
_ENGINE = re.compile(
    r"registry-1\.docker\.io|/v2/|failed to resolve source metadata|docker\.io/|docker daemon|docker\.sock"
    r"|http\+docker"
)


@rule("build-proxy-failure", "build-tls-cert-failure", "build-network-unreachable")
def way_to_the_index(reading: Reading) -> Iterator[Finding]:
    """Proxy before TLS before network: each makes the ones after it."""
    if not building(reading):
        return
    here = reading.find(r"the build uses \w+=\S*?[/@](?P<host>127\.[\d.]+|localhost|\[::1\])[:/ ]")
    for finding in show(reading, _SIGNS):
        if finding.cause == "build-network-unreachable" and _ENGINE.search(finding.proof[0].text):
            continue  # the engine's way to a registry is base_image's, its socket engine's
        patterns = [sign.pattern for sign in _SIGNS if sign.cause == finding.cause]
        known = Finding(finding.cause, finding.depth, finding.proof, _facts(finding, here), finding.certain)
        yield overcome(reading, known, patterns)


def _facts(finding: Finding, here: Hit | None) -> dict[str, str]:
    host = _HOST.search(finding.proof[0].text)
    named = next((value for value in host.groups() if value), "") if host else ""
    facts = {"host": named, "reason": finding.facts.get("reason", "")}
    if proxy := finding.facts.get("proxy"):
        facts["proxy"] = proxy
    if here and finding.cause == "build-proxy-failure":
        facts |= {"proxy": here["host"], "loopback": here["host"]}
    return {name: value for name, value in facts.items() if value}
