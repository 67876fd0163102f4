"""What the filters for extensions and for CSP reports take for the browser's own."""

from __future__ import annotations

import pytest

from statsapi.ingest.attributes import EventAttributes
from statsapi.ingest.filters import FilterConfig, first_match


@pytest.mark.parametrize(
    ("source", "caught"),
    [
        ("chrome-extension://abc/a.js", True),
        ("moz-extension://abc/a.js", True),
        ("safari-web-extension://abc/a.js", True),
        ("webkit-masked-url://hidden/", True),
        ("chrome://global/content/a.js", True),
        ("https://example.com/chrome-extension/a.js", False),
        ("app:///a.js", False),
        ("/srv/app/browser-extension.py", False),
        ("CHROME-EXTENSION://abc/a.js", True),
        ("safari-extension://abc/a.js", True),
        ("https://graph.facebook.com/", True),
        ("https://connect.facebook.net/en_US/sdk.js", True),
        ("https://eatdifferent.com.woopra-ns.com/main.js", True),
        ("https://static.woopra.com/js/woopra.js", True),
        ("http://127.0.0.1:4001/isrunning", True),
        ("https://webappstoolbarba.texthelp.com/a.js", True),
        ("http://metrics.itunes.apple.com.edgesuite.net/itunespreview/itunes/browser:firefo", True),
        ("https://ff.kis.v2.scr.kaspersky-labs.com/E3E8934C/main.js", True),
        ("resource://gre/modules/a.js", False),
        ("https://example.com/chrome://a.js", False),
        ("https://facebook.com/sdk.js", False),
    ],
)
def test_a_file_of_an_extension_is_known_by_its_address(source: str, caught: bool) -> None:
    config = FilterConfig(browser_extensions=True)
    assert first_match(config, EventAttributes(source=source)) == ("browser-extensions" if caught else None)


@pytest.mark.parametrize(
    ("value", "caught"),
    [
        ("Error in top.GLOBALS", True),
        ("originalCreateNotification is not there", True),
        ("canvas.contentDocument", True),
        ("MyApp_RemoveAllHighlights", True),
        ("at http://tt.epicplay.com/a", True),
        ("Can't find variable: ZiteReader", True),
        ("jigsaw is not defined", True),
        ("ComboSearch is not defined", True),
        ("http://loading.retry.widdit.com/a.js failed", True),
        ("atomicFindClose()", True),
        ("fb_xd_fragment", True),
        ("bmi_SafeAddOnload", True),
        ("EBCallBackMessageReceived", True),
        ("window.__gCrWeb.find", True),
        ("CONDUITPAGE is not defined", True),
        ("null is not an object (evaluating 'elt.parentNode')", True),
        ("plugin.setSuspendState is not a function", True),
        ("Extension context invalidated.", True),
        ("failed to load webkit-masked-url://hidden/", True),
        ("can't access dead object", True),
        ("null is not an object", False),
        ("Facebook is not defined", False),
        ("", False),
    ],
)
def test_an_error_of_an_extension_is_known_by_its_text(value: str, caught: bool) -> None:
    config = FilterConfig(browser_extensions=True)
    assert first_match(config, EventAttributes(exception_value=value)) == ("browser-extensions" if caught else None)
    assert first_match(config, EventAttributes(messages=(value,))) is None


@pytest.mark.parametrize(
    ("source", "caught"),
    [
        ("chrome-extension", True),
        ("about", True),
        ("about:blank", True),
        ("http://localhost:8000/a.js", True),
        ("chrome-extension://abc/a.js", True),
        ("ms-browser-extension", True),
        ("chromenull://", True),
        ("data:text/html,chromewebdata", True),
        ("http://superfish.com", True),
        ("https://www.superfish.com:443/a.js", True),
        ("v.zilionfast.in", True),
        ("https://injections.adguard.com/", True),
        ("https://example.com/superfish.com", False),
        ("https://notsuperfish.com/", False),
        ("https://a.v.zilionfast.in/", False),
        ("inline", False),
        ("eval", False),
        ("self", False),
        ("data", False),
    ],
)
def test_a_csp_report_of_what_is_not_the_sites_is_invalid(source: str, caught: bool) -> None:
    config = FilterConfig(invalid_csp=True)
    assert first_match(config, EventAttributes(csp_sources=("https://example.com", source))) == (
        "invalid-csp" if caught else None
    )
