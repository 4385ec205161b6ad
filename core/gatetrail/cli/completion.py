"""`gatetrail completion`: a shell's completion script; and what can stand behind an option."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, assert_never

import typer

VARIABLE = "_GATETRAIL_COMPLETE"
"""Set by the scripts when they ask what could come next."""

EXAMPLES = """Examples:

\b
  source <(gatetrail completion bash)                       now, in this shell
  gatetrail completion bash >> ~/.bash_completion           in every bash
  gatetrail completion zsh > ~/.zfunc/_gatetrail            a folder of $fpath
  gatetrail completion fish > ~/.config/fish/completions/gatetrail.fish
"""

_ASK = "env _GATETRAIL_COMPLETE=complete_fish _TYPER_COMPLETE_FISH_ACTION=get-args _TYPER_COMPLETE_ARGS="
"""Answered in lines of a value and, behind a tab, what it means."""

_BASH = """\
_gatetrail_completion() {
    local line
    COMPREPLY=()
    while IFS= read -r line; do
        [[ -n $line ]] && COMPREPLY+=("${line%%$'\\t'*}")
    done < <(ASK"${COMP_LINE:0:COMP_POINT}" "$1" 2>/dev/null)
}

complete -o default -F _gatetrail_completion gatetrail
"""
"""Gives the line as it was typed: bash takes words apart at `=` and `:`, and nobody could put them together again."""

_ZSH = """\
#compdef gatetrail
_gatetrail() {
    local line
    local -a found
    for line in "${(@f)$(ASK"${words[1,CURRENT]}" gatetrail 2>/dev/null)}"; do
        [[ -n $line ]] && found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    [[ $words[CURRENT] == --*=* ]] && compset -P '*='
    if (( $#found )); then _describe gatetrail found; else _files; fi
}
if [[ $funcstack[1] == _gatetrail ]]; then _gatetrail "$@"; else compdef _gatetrail gatetrail; fi
"""

_FISH = """\
function __gatetrail_complete
    set -l word (commandline -ct)
    set -l found (ASK(commandline -cp | string collect) gatetrail 2>/dev/null)
    if test -z "$found"
        __fish_complete_path $word
    else
        set -l option (string match -r -- '^--[^=]+=' $word)
        string replace -r -- '^' "$option" $found
    end
end
complete --command gatetrail --no-files --arguments '(__gatetrail_complete)'
"""


class Shell(StrEnum):
    """Shells that can complete our commands."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="Whose script.")]) -> None:
    """Print a script that completes commands, options and values. Nothing is installed, and no file is touched."""
    from gatetrail.cli.output import flush, put_text

    put_text(script_of(shell).rstrip())
    flush()


def script_of(shell: Shell) -> str:
    """What a shell has to read."""
    match shell:
        case Shell.BASH:
            script = _BASH
        case Shell.ZSH:
            script = _ZSH
        case Shell.FISH:
            script = _FISH
        case _:
            assert_never(shell)
    return script.replace("ASK", _ASK)


def begin() -> None:
    """Make ready for a script's question, if this process was started by one."""
    if os.environ.get(VARIABLE):
        from typer.completion import get_completion_inspect_parameters

        get_completion_inspect_parameters()  # has typer's shells registered as a consequence


def event_names(incomplete: str) -> Sequence[str]:
    """Names of events, and the globs that stand for whole families."""
    from gatetrail.events.asking import event_names as names

    families = {f"{name.partition('.')[0]}.*" for name in names()}
    return [name for name in (*sorted(families), *names()) if name.startswith(incomplete)]


def sink_names(context: typer.Context, incomplete: str) -> Sequence[str]:
    """Sinks that the service file names."""
    return _names_in_service_file(context, "sinks", incomplete)


def server_names(context: typer.Context, incomplete: str) -> Sequence[str]:
    """Servers that the service file names."""
    return _names_in_service_file(context, "servers", incomplete)


def _names_in_service_file(context: typer.Context, key: str, incomplete: str) -> Sequence[str]:
    import yaml

    file: Any = context.params.get("config") or os.environ.get("GATETRAIL_CONFIG")
    try:
        with open(file, "rb") as opened:  # noqa: PTH123 -- a path or a text
            found = yaml.safe_load(opened)[key]
        return [name for name in found if str(name).startswith(incomplete)]
    except (OSError, ValueError, TypeError, LookupError, yaml.YAMLError):
        return []
