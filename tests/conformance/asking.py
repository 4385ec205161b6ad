"""Tools and a prompt that have to ask the client something before they can answer.

Where the suite leaves the keys of the questions open, the SDK's resolvers ask; they speak both
protocol eras. Where it fixes them, the rounds of 2026-07-28 are written out.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context, Elicit, ElicitationResult, MCPServer, Resolve, Sample
from mcp_types import (
    CreateMessageRequest,
    CreateMessageRequestParams,
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequest,
    InputRequiredResult,
    ListRootsRequest,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field

Answer = str | InputRequiredResult


class Person(BaseModel):
    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Defaults(BaseModel):
    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


# --- tools that ask in whichever way the protocol version has for it ---


def ask_model(prompt: str) -> Sample:
    return Sample([user_message(prompt)], max_tokens=100)


def ask_model_anything() -> Sample:
    return ask_model("Anything at all?")


def ask_person(message: str) -> Elicit[Person]:
    return Elicit(message, Person)


def ask_briefly() -> Elicit[Person]:
    return ask_person("Who are you?")


def ask_defaults() -> Elicit[Defaults]:
    return Elicit("Please look at the defaults", Defaults)


def test_sampling(prompt: str, answer: Annotated[CreateMessageResult, Resolve(ask_model)]) -> str:
    """Pass a prompt to the client's model."""
    return f"LLM response to {prompt!r}: {text_of(answer)}"


def test_missing_capability(
    answer: Annotated[CreateMessageResult, Resolve(ask_model_anything)],
) -> str:
    """Need a model, which not every client offers."""
    return answer.model


def test_elicitation(message: str, person: Annotated[ElicitationResult[Person], Resolve(ask_person)]) -> str:
    """Ask the user who they are."""
    return f"User response to {message!r}: {person.model_dump_json()}"


def test_streaming_elicitation(
    person: Annotated[ElicitationResult[Person], Resolve(ask_briefly)],
) -> str:
    """Ask the user who they are, on a stream."""
    return f"User response: {person.action}"


def test_elicitation_sep1034_defaults(
    values: Annotated[ElicitationResult[Defaults], Resolve(ask_defaults)],
) -> str:
    """Ask with a default for each primitive type."""
    return f"Elicitation completed: {values.model_dump_json()}"


async def test_elicitation_sep1330_enums(context: Context[Any, Any]) -> str:
    """Ask with every form that an enum may have; pydantic cannot write them all."""
    options = ["option1", "option2", "option3"]
    titled = choices("First Option", "Second Option", "Third Option")
    properties = {
        "untitledSingle": {"type": "string", "enum": options},
        "titledSingle": {"type": "string", "oneOf": titled},
        "legacyEnum": {
            "type": "string",
            "enum": ["opt1", "opt2", "opt3"],
            "enumNames": ["Option One", "Option Two", "Option Three"],
        },
        "untitledMulti": {"type": "array", "items": {"type": "string", "enum": options}},
        "titledMulti": {"type": "array", "items": {"anyOf": titled}},
    }
    request = context.request_context
    schema = {"type": "object", "properties": properties}
    answer = await request.session.elicit_form("Please choose", schema, request.request_id)
    return f"Elicitation completed: action={answer.action}, content={answer.content}"


# --- tools that ask once, in the rounds of 2026-07-28 ---


def test_input_required_result_elicitation(context: Context[Any, Any]) -> Answer:
    """Ask the user for a name."""
    filled = filled_in(context, "user_name")
    if filled is None or "name" not in filled:
        return ask({"user_name": form("What is your name?", name="string")})
    return f"Hello, {filled['name']}!"


def test_input_required_result_sampling(context: Context[Any, Any]) -> Answer:
    """Ask the client's model for a capital."""
    answer = (context.input_responses or {}).get("capital_question")
    if not isinstance(answer, CreateMessageResult):
        return ask({"capital_question": to_model("What is the capital of France?")})
    return text_of(answer)


def test_input_required_result_list_roots(context: Context[Any, Any]) -> Answer:
    """Ask the client for its roots."""
    answer = (context.input_responses or {}).get("client_roots")
    if not isinstance(answer, ListRootsResult):
        return ask({"client_roots": ListRootsRequest()})
    return "Roots: " + ", ".join(str(root.uri) for root in answer.roots)


def test_input_required_result_capabilities(context: Context[Any, Any]) -> Answer:
    """Ask only what the client says it can answer."""
    offered = context.client_capabilities
    questions: dict[str, InputRequest] = {}
    if offered and offered.elicitation:
        questions["user_name"] = form("What is your name?", name="string")
    if offered and offered.sampling:
        questions["greeting"] = to_model("Generate a greeting")
    return ask(questions) if questions and not context.input_responses else "Nothing to ask"


# --- tools that give the client a state to bring back; the SDK seals it ---


def test_input_required_result_request_state(context: Context[Any, Any]) -> Answer:
    """Ask for a confirmation and expect the state back."""
    if context.request_state != "confirming" or filled_in(context, "confirm") is None:
        return ask({"confirm": form("Please confirm", ok="boolean")}, "confirming")
    return "state-ok"


def test_input_required_result_tampered_state(context: Context[Any, Any]) -> Answer:
    """Ask for a confirmation; a forged state never gets here."""
    return test_input_required_result_request_state(context)


def test_input_required_result_multiple_inputs(context: Context[Any, Any]) -> Answer:
    """Ask three things at once."""
    questions: dict[str, InputRequest] = {
        "user_name": form("What is your name?", name="string"),
        "greeting": to_model("Generate a greeting", max_tokens=50),
        "client_roots": ListRootsRequest(),
    }
    if not questions.keys() <= (context.input_responses or {}).keys():
        return ask(questions, "three questions")
    return "All three answered"


def test_input_required_result_multi_round(context: Context[Any, Any]) -> Answer:
    """Ask for a name, then for a colour."""
    name, colour = filled_in(context, "step1"), filled_in(context, "step2")
    if context.request_state == "round 2" and colour is not None:
        return f"Your favorite color is {colour.get('color')}"
    if context.request_state == "round 1" and name is not None:
        return ask({"step2": form("Step 2: What is your favorite color?", color="string")}, "round 2")
    return ask({"step1": form("Step 1: What is your name?", name="string")}, "round 1")


def test_input_required_result_prompt(context: Context[Any, Any]) -> Answer:
    """Ask what the prompt is to be about."""
    filled = filled_in(context, "user_context")
    if filled is None:
        return ask({"user_context": form("What context should the prompt use?", context="string")})
    return f"Use this context: {filled.get('context')}"


# --- the words in which they ask ---


def user_message(text: str) -> SamplingMessage:
    return SamplingMessage(role="user", content=TextContent(text=text))


def text_of(answer: CreateMessageResult) -> str:
    return answer.content.text if isinstance(answer.content, TextContent) else "no text"


def choices(*titles: str) -> list[dict[str, str]]:
    return [{"const": f"value{number}", "title": title} for number, title in enumerate(titles, 1)]


def form(message: str, **types: str) -> ElicitRequest:
    """A question whose answers, all required, have the given JSON types."""
    fields = {name: {"type": type_} for name, type_ in types.items()}
    schema = {"type": "object", "properties": fields, "required": list(fields)}
    return ElicitRequest(params=ElicitRequestFormParams(message=message, requested_schema=schema))


def to_model(text: str, max_tokens: int = 100) -> CreateMessageRequest:
    params = CreateMessageRequestParams(messages=[user_message(text)], max_tokens=max_tokens)
    return CreateMessageRequest(params=params)


def ask(questions: dict[str, InputRequest], state: str | None = None) -> InputRequiredResult:
    return InputRequiredResult(input_requests=questions, request_state=state)


def filled_in(context: Context[Any, Any], key: str) -> dict[str, Any] | None:
    """What the user put into the form `key`; None if it was not answered."""
    answer = (context.input_responses or {}).get(key)
    return dict(answer.content or {}) if isinstance(answer, ElicitResult) else None


TOOLS = (
    test_sampling,
    test_missing_capability,
    test_elicitation,
    test_streaming_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_input_required_result_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_capabilities,
    test_input_required_result_request_state,
    test_input_required_result_tampered_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
)


def add_to(server: MCPServer) -> None:
    """Give the server all of the above."""
    for tool in TOOLS:
        server.add_tool(tool, structured_output=False)
    server.prompt()(test_input_required_result_prompt)
