"""What every endpoint shares: who may, how often, what was asked, and how it is described."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeVar, cast

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api_keys import Scope
from ledger.api.access import PerMinute, ScopeNeeded, key_question
from ledger.api.serializers import Strict
from ledger.services import rules
from wallets_site.base.errors import InvalidRequest
from wallets_site.base.prepared import ahead

F = TypeVar("F", bound=Callable[..., Any])
KEY_HEADER: Final = "Idempotency-Key"
MAX_KEY: Final = 100
PROBLEM: Final = "application/problem+json"
READ: Final = (Scope.READ.value,)
SPEND: Final = (Scope.SEND.value, Scope.WITHDRAW.value)
MANAGE: Final = (Scope.MANAGE.value,)
KEY_PARAMETER: Final = OpenApiParameter(
    KEY_HEADER, {"type": "string", "minLength": 1, "maxLength": MAX_KEY, "pattern": r"^[ -~]+$"},
    OpenApiParameter.HEADER, required=True,
    description="Names this request for good: sent again, it answers with what was done the first time.",
)  # fmt: skip


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "ledger.api.access.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "wk_…"}


class Problem(serializers.Serializer[Any]):
    """RFC 9457. `code` is stable; `detail` is a sentence for people; `fields` says what is wrong with which."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    data = serializers.DictField(required=False)  # type: ignore[assignment]
    fields = serializers.DictField(required=False)  # type: ignore[assignment]


ERRORS: Final = {
    400: "The request cannot be read, or names something that makes no sense.",
    401: "Nobody is signed in, or the key opens nothing.",
    403: "This person, or this key, may not do that; or it must be confirmed first (proof_required).",
    404: "There is no such thing, or it is somebody else's.",
    405: "Not with this method.",
    406: "Answers are JSON.",
    409: "It cannot be done as things are: funds, limits, state, or a key used for another request.",
    415: "Requests are JSON.",
    429: "Too many requests; Retry-After says when to go on.",
    503: "The coin's node cannot be used just now.",
}


class Endpoint(APIView):
    # For each method the scopes of which a key needs one; a method that is not named is for people alone.
    permission_classes = (ScopeNeeded,)
    throttle_classes = (PerMinute,)
    scopes: ClassVar[dict[str, tuple[str, ...]]] = {}

    def dispatch(self, request: HttpRequest, *args: Any, **more: Any) -> HttpResponseBase:
        with rules.asked_once(), ahead(rules.question(), key_question(request)):
            return super().dispatch(request, *args, **more)

    def finalize_response(self, request: Request, response: Response, *args: Any, **more: Any) -> Response:
        made = super().finalize_response(request, response, *args, **more)
        if rate := getattr(getattr(request, "_request", request), "rate", None):
            for name, value in zip(("Limit", "Remaining", "Reset"), rate, strict=True):
                made[f"RateLimit-{name}"] = str(value)
        return made


def described(
    operation_id: str, answer: Any, *, request: Any = None, status: int = 200, parameters: Any = (),
    write: bool = False, example: Any = None, asks: Any = None,
) -> Callable[[F], F]:  # fmt: skip
    """The OpenAPI of one method: its answer, every refusal, and examples of both directions."""
    responses: dict[Any, Any] = {status: answer}
    for code, words in ERRORS.items():
        responses[(code, PROBLEM)] = OpenApiResponse(Problem, description=words)
    responses[414] = OpenApiResponse(description="The URL is longer than the web server takes.")
    examples = []
    if example is not None:
        examples.append(OpenApiExample("answer", example, response_only=True, status_codes=[str(status)]))
    if asks is not None:
        examples.append(OpenApiExample("request", asks, request_only=True))
    made: Callable[[F], F] = extend_schema(
        operation_id=operation_id, request=request, responses=responses, examples=examples,
        parameters=[*parameters, *([KEY_PARAMETER] if write else [])],
    )  # fmt: skip
    return made


def key_of(request: Request) -> str:
    """The request's idempotency key; raises InvalidRequest when it is missing or unusable."""
    key = request.headers.get(KEY_HEADER, "")
    if not (key.isascii() and key.isprintable() and 1 <= len(key) <= MAX_KEY):
        raise InvalidRequest(f"Send a header {KEY_HEADER}: 1 to {MAX_KEY} printable characters, new for each request.")
    return f"api:{key}"


def read_body(form: type[Strict], request: Request) -> dict[str, Any]:
    """The body as the form understands it; raises ValidationError with every field that is wrong."""
    given = form(data=request.data)
    given.is_valid(raise_exception=True)
    return cast("dict[str, Any]", given.validated_data)


def read_query(form: type[Strict], request: Request) -> dict[str, Any]:
    """The same for the query string; a name given twice is refused."""
    twice = [name for name, values in request.query_params.lists() if len(values) > 1]
    if twice:
        raise InvalidRequest(f"`{twice[0][:40]}` is given twice.")
    given = form(data=request.query_params.dict())
    given.is_valid(raise_exception=True)
    return cast("dict[str, Any]", given.validated_data)
