"""Errors and reports that come from the browser or an extension, and not from the site. The tables are those of Sentry.

Everything here is compared in lower case.
"""

from __future__ import annotations

# An error with one of these words in its value was raised by code that an extension, a toolbar, a proxy or the browser
# put into the page.
_EXTENSION_WORDS = (
    "_gcrweb",
    "atomicfindclose",
    "bmi_safeaddonload",
    "can't access dead object",
    "can't find variable: zitereader",
    "canvas.contentdocument",
    "combosearch is not defined",
    "conduitpage",
    "ebcallbackmessagereceived",
    "extension context invalidated",
    "fb_xd_fragment",
    "http://loading.retry.widdit.com/",
    "http://tt.epicplay.com",
    "jigsaw is not defined",
    "myapp_removeallhighlights",
    "null is not an object (evaluating 'elt.parentnode')",
    "originalcreatenotification",
    "plugin.setsuspendstate is not a function",
    "top.globals",
    "webkit-masked-url:",
)
_EXTENSION_BEGINNINGS = (
    "chrome://",
    "chrome-extension://",
    "moz-extension://",
    "safari-extension://",
    "safari-web-extension://",
)
_EXTENSION_SOURCES = (
    "127.0.0.1:4001/isrunning",
    "connect.facebook.net",
    "eatdifferent.com.woopra-ns.com",
    "graph.facebook.com",
    "kaspersky-labs.com",
    "metrics.itunes.apple.com.edgesuite.net/",
    "static.woopra.com/js/woopra.js",
    "webappstoolbarba.texthelp.com/",
    "webkit-masked-url",
)

_CSP_SCHEMES = frozenset(
    (
        "about",
        "chrome",
        "chromeinvoke",
        "chromeinvokeimmediate",
        "chromenull",
        "jar",
        "mbinit",
        "mxaddon-pkg",
        "resource",
        "symres",
        "tmtbff",
        "webkit-masked-url",
        "webviewprogressproxy",
    )
)
_CSP_PAGE = "data:text/html,chromewebdata"  # Chrome's own page of an error
# What extensions and adware load.
_CSP_HOSTS = frozenset(
    (
        "020dfefc4ac745dab7594f2f771c1ded.com",
        "73a5b0806e464be8bd4e694c744624f0.com",
        "a.linkluster.com",
        "addons.mozilla.org",
        "amiok.org",
        "cdncache-a.akamaihd.net",
        "connectionstrenth.com",
        "devappstor.com",
        "gateway.zscalertwo.net",
        "godlinkapp.com",
        "hoholikik.club",
        "icontent.us",
        "injections.adguard.com",
        "istatic.datafastguru.info",
        "middlerush-a.akamaihd.net",
        "netanalitics.space",
        "printapplink.com",
        "promfflinkdev.com",
        "pulseadnetwork.com",
        "resultshub-a.akamaihd.net",
        "savingsslider-a.akamaihd.net",
        "saveyoutime.ru",
        "siteheart.net",
        "smartlink.cool",
        "static.image2play.com",
        "v.zilionfast.in",
        "widgets.amung.us",
        "www.passpack.com",
        "www.websmartcenter.com",
        "x.rafomedia.com",
        "xls.searchfun.in",
    )
)
_CSP_DOMAINS = ("metrext.com", "superfish.com", "tlscdn.com")


def is_of_an_extension(value: str, source: str) -> bool:
    """Return whether an error with this value, raised in the file `source`, is one of an extension or the browser."""
    value, source = value.lower(), source.lower()
    return (
        source.startswith(_EXTENSION_BEGINNINGS)
        or any(part in source for part in _EXTENSION_SOURCES)
        or any(word in value for word in _EXTENSION_WORDS)
    )


def is_csp_noise(source: str) -> bool:
    """Return whether a source of a CSP report belongs to the browser or an extension.

    It is a URL, or only its scheme, which is all that a browser tells of a URL that is not of HTTP.
    """
    source = source.lower()
    scheme = source.partition(":")[0]
    if scheme in _CSP_SCHEMES or scheme.endswith("-extension") or source.startswith(_CSP_PAGE):
        return True
    host = source.removeprefix(f"{scheme}://").partition("/")[0].partition(":")[0]
    return host in _CSP_HOSTS or any(host == domain or host.endswith(f".{domain}") for domain in _CSP_DOMAINS)
