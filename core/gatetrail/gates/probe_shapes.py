"""What a value looks like that is nothing but a probe.

Every shape is that of a whole value, and begins as an attack begins: by breaking out of a quote, a number, a tag or a
template that is not there. Texts that speak of such things, programs, queries and pages are none of them. The forms are
those that OWASP's testing guide (chapters on SQL, command, template and script injection) tells testers to send.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_REST = r"[^\x00\n]"
_W = r"(?:\s|/\*[^\x00*]{0,40}\*/|\+)"
_QUOTE = rf"[\w.@\-]{{0,40}}['\"]\)*{_W}*"
_BREAK = rf"(?:{_QUOTE}|-?[0-9]{{1,10}}\)*{_W}*)"
"""A literal that ends where the writer of the query did not think it would."""
_STATEMENT = "(?:drop|delete|insert|update|alter|truncate|exec|shutdown|waitfor|declare)"
_SLEEP = rf"(?:select{_W}+)?(?:pg_)?(?:sleep|benchmark|randomblob)"
_VALUE = r"(?:['\"]?\w{1,20}['\"]?|['\"]{2}|['\"])"
_END = rf"(?:--|#|/\*|;|{_W}){_REST}{{0,80}}"
_SAID = r"(?:[0-9]{1,10}|document\.(?:cookie|domain|location)|['\"`/]?xss|window\.origin|string\.fromcharcode|`1`)"
_ALERT = rf"(?:alert|confirm|prompt)\s*[(`]\s*{_SAID}"
_TAG = "(?:img|svg|body|iframe|details|video|audio|input|a|marquee)"
_HANDLER = rf"on[a-z]{{3,20}}\s*=\s*['\"`]?\s*{_ALERT}"
_FILE = r"[\w\-]{1,40}(?:\.[\w\-]{1,20}){0,3}\.(?:txt|jpg|png|pdf|csv|com|net|org|local|example|test|log)"
_NESTED = r"(?:[jndi:]{0,5}\$\{(?:lower|upper|::-|env:|sys:|date:)[^{}\x00\n]{0,30}\})"
_BEFORE = r"(?:|-?[0-9]{1,10}|[0-9]{1,3}(?:\.[0-9]{1,3}){3}|['\"])"
_METADATA = (
    r"(?:169\.254\.169\.254|\[?::ffff:(?:a9fe:a9fe|169\.254\.169\.254)\]?|2852039166|0xa9fea9fe"
    r"|0251\.0376\.0251\.0376|metadata\.google\.internal|100\.100\.100\.200|\[fd00:ec2::254\])"
)
_COMMAND = (
    r"(?:id|whoami|uname\s+-a|cat\s+/etc/(?:passwd|shadow|hosts)|sleep\s+[0-9]{1,3}|ping\s+-[cn]\s*[0-9]+\s+\S+"
    r"|nslookup\s+\S+|(?:curl|wget)\s+(?:-\S+\s+){0,4}https?://[^\s\x00]+|nc\s+-\S+\s+\S+\s+[0-9]+"
    r"|(?:ba)?sh\s+-[ci]\b[^\x00\n]{0,200}|type\s+c:\\\S+)"
)

SHAPES: Mapping[str, tuple[str, ...]] = {
    "sql_injection": (
        rf"{_QUOTE}(?:or|and|xor|\|\||&&){_W}*\(*{_VALUE}{_W}*(?:=|<|>|like\b){_W}*{_VALUE}{_REST}{{0,80}}",
        rf"[0-9]{{1,10}}\)*{_W}+(?:or|and){_W}+\(?[0-9]{{1,5}}{_W}*={_W}*[0-9]{{1,5}}(?:{_END})?",
        rf"{_BREAK}{_W}*union{_W}+(?:(?:all|distinct){_W}+)?\(?{_W}*select\b{_REST}{{0,400}}",
        rf"{_BREAK};{_W}*{_STATEMENT}\b{_REST}{{0,400}}",
        rf"[\w.@\-]{{1,40}}'\)*{_W}*(?:--|#|/\*)[ \-]*",
        rf"{_BREAK}(?:and|or|;|\|\||,)?{_W}*{_SLEEP}\s*\({_REST}{{0,200}}",
        rf"{_BREAK}(?:and|or){_W}*\(?(?:extractvalue|updatexml|ascii|substring|substr|exists|select\b){_REST}{{0,300}}",
        rf"{_BREAK}(?:order|group){_W}+by{_W}+[0-9]{{1,3}}{_W}*(?:--|#|/\*){_REST}{{0,40}}",
        rf"{_BREAK}having{_W}+[0-9]{{1,5}}{_W}*={_W}*[0-9]{{1,5}}{_REST}{{0,40}}",
        rf"\(select\(0\)from\(select\(sleep{_REST}{{0,100}}",
    ),
    "template_injection": (
        r"\s*(?:\{\{|\$\{|#\{|<%=|\*\{|@\()\s*[0-9]{1,6}\s*\*\s*'?[0-9]{1,6}'?\s*(?:\}\}|\}|%>|\))\s*",
        rf"\s*\{{\{{{_REST}{{0,80}}__(?:class|globals|mro|subclasses|init|builtins|import)__{_REST}{{0,300}}",
        rf"\s*[$#*]\{{\s*T\(java\.lang\.{_REST}{{0,300}}",
        rf"\s*<#assign\s{_REST}{{0,60}}freemarker\.template\.utility\.Execute{_REST}{{0,200}}",
        rf"\s*%\{{\s*\(?\s*#[a-z_]+\s*={_REST}{{0,400}}",
    ),
    "jndi_lookup": (
        r"\$\{jndi:(?:ldaps?|rmi|dns|iiop|corba|nis|nds|https?):[^\x00\s]{1,300}",
        rf"\$\{{{_NESTED}{{1,12}}[^\x00\s]{{0,200}}//[^\x00\s]{{1,200}}",
    ),
    "shell_injection": (
        rf"{_BEFORE}\s*(?:;|\|{{1,2}}|&{{1,2}}|\n)\s*{_COMMAND}[;|&#'\"\s]*",
        rf"{_FILE}\s*(?:;|\|{{1,2}}|&{{1,2}}|\n)\s*(?:id|whoami|cat\s+/etc/(?:passwd|shadow))\s*[;|&#'\"]*\s*",
        r"[\w.\-]{0,40}\$\(\s*(?:id|sleep\s+[0-9]+|cat\s+/etc/(?:passwd|shadow)|nslookup\s+\S+)\s*\)",
        r"[\w.\-]{0,40}`\s*(?:sleep\s+[0-9]+|cat\s+/etc/(?:passwd|shadow)|nslookup\s+\S+)\s*`",
        rf"\(\)\s*\{{\s*:;\s*\}}\s*;{_REST}{{1,300}}",
    ),
    "cross_site_script": (
        rf"\w{{0,20}}['\"]?\s*/?>?\s*<script[^>\x00]{{0,100}}>\s*{_ALERT}{_REST}{{0,100}}",
        rf"\w{{0,20}}['\"]?\s*/?>?\s*<{_TAG}\b[^\x00\n>]{{0,100}}\b{_HANDLER}{_REST}{{0,60}}",
        rf"\s*javascript:\s*{_ALERT}{_REST}{{0,60}}",
        rf"\w{{0,20}}['\"]\s*{_HANDLER}{_REST}{{0,60}}",
        rf"['\"]?\s*[;\-]\s*{_ALERT}\)?\s*(?://|;|-['\"]){_REST}{{0,40}}",
    ),
    "cloud_metadata": (rf"(?:https?:)?//(?:[^\s\x00@/]{{0,60}}@)?{_METADATA}\.?(?:[:/?#][^\x00\s]{{0,300}})?",),
    "stream_wrapper": (
        r"(?:php://(?:filter|input|expect)|expect://|phar://|gopher://|dict://|jar:https?://)[^\x00\s]{1,400}",
    ),
}
"""By the word that stands as `rule_id`. In RE2's syntax, without regard to case."""

GUARDED_FILES = (
    "/etc/gshadow",
    "/etc/passwd",
    "/etc/shadow",
    "/etc/sudoers",
    "/boot.ini",
    "/proc/self/environ",
    "/proc/1/environ",
    "/root/.ssh",
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

_SPACE = re.compile(r"[\s<>\"'{}]")


def may_be_path(text: str) -> bool:
    """True for one word with a slash, or with something that is read as one."""
    if _SPACE.search(text.strip("\x00")):
        return False
    return "/" in text or "\\" in text or "%" in text or not text.isascii()
