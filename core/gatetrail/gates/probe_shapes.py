"""What a value looks like that is nothing but a probe.

Every shape is that of a whole value, and begins as an attack begins: by breaking out of a quote, a number, a tag or a
template that is not there. Texts that speak of such things, programs, queries and pages are none of them. The forms are
those that OWASP's testing guide (chapters on SQL, command, template and script injection) tells testers to send.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_REST = r"[^\n]"
_W = r"(?:\s|/\*[^*]*\*/|\+)"
_QUOTE = rf"[\w.@\-]{{0,40}}['\"]\)*{_W}*"
_BREAK = rf"(?:{_QUOTE}|-?[0-9]{{1,10}}\)*{_W}*)"
"""A literal that ends where the writer of the query did not think it would."""
_STATEMENT = "(?:drop|delete|insert|update|alter|truncate|exec|shutdown|waitfor|declare)"
_SLEEP = rf"(?:select{_W}+)?(?:pg_)?(?:sleep|benchmark|randomblob)"
_FUNCTION = "extractvalue|updatexml|ascii|substring|substr|exists"
_VALUE = r"(?:['\"]?\w{1,20}['\"]?|['\"]{2}|['\"])"
_END = rf"(?:--|#|/\*|;|{_W}){_REST}*"
_SAID = r"(?:[0-9]{1,10}|document\.(?:cookie|domain|location)|['\"`/]?xss|window\.origin|string\.fromcharcode|`1`)"
_ALERT = rf"(?:alert|confirm|prompt)\s*[(`]\s*{_SAID}"
_TAG = "(?:img|svg|body|iframe|details|video|audio|input|a|marquee)"
_HANDLER = rf"on[a-z]{{3,20}}\s*=\s*['\"`]?\s*{_ALERT}"
_FILE = r"[\w\-]{1,40}(?:\.[\w\-]{1,20}){0,3}\.(?:txt|jpg|png|pdf|csv|com|net|org|local|example|test|log)"
_NESTED = r"(?:[jndi:]{0,5}\$\{(?:lower|upper|::-|env:|sys:|date:)[^{}\n]*\})"
_BEFORE = r"(?:|-?[0-9]{1,10}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|['\"])"
_METADATA = (
    r"(?:169\.254\.169\.254|\[?::ffff:(?:a9fe:a9fe|169\.254\.169\.254)\]?|2852039166|0xa9fea9fe"
    r"|0251\.0376\.0251\.0376|metadata\.google\.internal|100\.100\.100\.200|\[fd00:ec2::254\])"
)
_COMMAND = (
    r"(?:id|whoami|uname\s+-a|cat\s+/etc/(?:passwd|shadow|hosts)|sleep\s+[0-9]{1,3}|ping\s+-[cn]\s*[0-9]+\s+\S+"
    r"|nslookup\s+\S+|(?:curl|wget)\s+(?:-\S+\s+){0,4}https?://\S+|nc\s+-\S+\s+\S+\s+[0-9]+"
    r"|(?:ba)?sh\s+-[ci]\b[^\n]*|type\s+c:\\\S+)"
)

SHAPES: Mapping[str, tuple[str, ...]] = {
    "sql_injection": (
        rf"{_QUOTE}(?:(?:or|and|xor)\b|\|\||&&){_W}*\(*{_VALUE}{_W}*(?:=|<|>|like\b){_W}*{_VALUE}{_REST}*",
        rf"[0-9]{{1,10}}\)*{_W}+(?:or|and){_W}+\(?[0-9]{{1,5}}{_W}*={_W}*[0-9]{{1,5}}(?:{_END})?",
        rf"{_BREAK}{_W}*union{_W}+(?:(?:all|distinct){_W}+)?\(?{_W}*select\b{_REST}*",
        rf"{_BREAK};{_W}*{_STATEMENT}\b{_REST}*",
        rf"[\w.@\-]{{1,40}}'\)*{_W}*(?:--|#|/\*)[ \-]*",
        rf"{_BREAK}(?:(?:and|or)\b|;|\|\||,)?{_W}*{_SLEEP}\s*\({_REST}*",
        rf"{_BREAK}(?:and|or)\b{_W}*\(*{_W}*(?:(?:{_FUNCTION}){_W}*\(|\({_W}*select\b){_REST}*",
        rf"{_BREAK}(?:order|group){_W}+by{_W}+[0-9]{{1,3}}{_W}*(?:--|#|/\*){_REST}*",
        rf"{_BREAK}having{_W}+[0-9]{{1,5}}{_W}*={_W}*[0-9]{{1,5}}{_REST}*",
        rf"\(select\(0\)from\(select\(sleep{_REST}*",
    ),
    "template_injection": (
        r"\s*(?:\{\{|\$\{|#\{|<%=|\*\{|@\()\s*[0-9]{1,6}\s*\*\s*'?[0-9]{1,6}'?\s*(?:\}\}|\}|%>|\))\s*",
        rf"\s*\{{\{{{_REST}*__(?:class|globals|mro|subclasses|init|builtins|import)__{_REST}*",
        rf"\s*[$#*]\{{\s*T\(java\.lang\.{_REST}*",
        rf"\s*<#assign\s{_REST}*freemarker\.template\.utility\.Execute{_REST}*",
        rf"\s*%\{{\s*\(?\s*#[a-z_]+\s*={_REST}*",
    ),
    "jndi_lookup": (
        r"\$\{jndi:(?:ldaps?|rmi|dns|iiop|corba|nis|nds|https?):\S+",
        rf"\$\{{{_NESTED}{{1,12}}\S*//\S+",
    ),
    "shell_injection": (
        rf"{_BEFORE}\s*(?:;|\|{{1,2}}|&{{1,2}}|\n)\s*{_COMMAND}[;|&#'\"\s]*",
        rf"{_FILE}\s*(?:;|\|{{1,2}}|&{{1,2}}|\n)\s*(?:id|whoami|cat\s+/etc/(?:passwd|shadow))\s*[;|&#'\"]*\s*",
        r"[\w.\-]{0,40}\$\(\s*(?:id|sleep\s+[0-9]+|cat\s+/etc/(?:passwd|shadow)|nslookup\s+\S+)\s*\)",
        r"[\w.\-]{0,40}`\s*(?:sleep\s+[0-9]+|cat\s+/etc/(?:passwd|shadow)|nslookup\s+\S+)\s*`",
        rf"\(\)\s*\{{\s*:;\s*\}}\s*;{_REST}+",
    ),
    "cross_site_script": (
        rf"\w{{0,20}}['\"]?\s*/?>?\s*<script[^>]*>\s*{_ALERT}{_REST}*",
        rf"\w{{0,20}}['\"]?\s*/?>?\s*<{_TAG}\b[^\n>]*\b{_HANDLER}{_REST}*",
        rf"\s*javascript:\s*{_ALERT}{_REST}*",
        rf"\w{{0,20}}['\"]\s*{_HANDLER}{_REST}*",
        rf"['\"]?\s*[;\-]\s*{_ALERT}\)?\s*(?://|;|-['\"]){_REST}*",
    ),
    "cloud_metadata": (rf"(?:https?:)?//(?:[^\s@/]*@)?{_METADATA}\.?(?:[:/?#]\S*)?",),
    "stream_wrapper": (r"(?:php://(?:filter|input|expect)|expect://|phar://|gopher://|dict://|jar:https?://)\S+",),
}
"""By the word that stands as `rule_id`. In RE2's syntax, without regard to case."""

_AFTER_BREAK = rf"(?:(?:or|and|xor|union|having|order|group)\b|\|\||&&|;|--|#|/\*|,?{_W}*(?:select\b|{_SLEEP}\b))"
HINTS = (
    rf"\x00{_BREAK}{_AFTER_BREAK}",
    r"\(select\(0\)",
    r"\{\{|\$\{|#\{|<%=|\*\{|@\(|<#assign|%\{",
    r"[;|&\n]\s*(?:id|whoami|uname|cat|sleep|ping|nslookup|curl|wget|nc|sh|bash|type)\b",
    r"\$\(|`\s*(?:sleep|cat|nslookup)|\(\)\s*\{",
    r"(?:alert|confirm|prompt)\s*[(`]",
    r"169\.254|::ffff:|2852039166|0xa9fea9fe|0251\.|metadata\.google|100\.100\.100|fd00:ec2",
    r"php://|expect://|phar://|gopher://|dict://|jar:http",
)
"""A text of each shape, behind a NUL, has one of these in it. They are quick to look for, and rare."""

GUARDED_FILES = (
    "/etc/gshadow",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/sudoers",
    "/boot.ini",
    "/proc/self/environ",
    "/proc/1/environ",
    "/var/run/secrets/kubernetes.io",
    "/windows/system32/config/sam",
    "/windows/system32/drivers/etc/hosts",
    "/windows/win.ini",
    "/winnt/win.ini",
    "/.aws/credentials",
    "/.kube/config",
    "/.ssh/authorized_keys",
    "/.ssh/id_dsa",
    "/.ssh/id_ecdsa",
    "/.ssh/id_ed25519",
    "/.ssh/id_rsa",
    "/web-inf/web.xml",
)
"""Where detours in an argument lead that nobody takes by mistake."""

WRAPPED = frozenset(
    {"/etc/gshadow", "/etc/shadow", "/proc/self/environ", "/proc/1/environ", "/windows/system32/config/sam"}
)
"""Of these, what nobody asks for without a detour either."""

PATH_HINT = r"\.\.|%|/(?:etc|proc)/|[\\/](?:shadow|gshadow|environ|sam)\b|file:"
"""A path to where nobody goes has one of these in it."""

_SPACE = re.compile(r"[\s<>\"'{}]")


def may_be_path(text: str) -> bool:
    """True for one word."""
    return _SPACE.search(text.strip("\x00")) is None
