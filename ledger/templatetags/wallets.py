"""Tags of the pages: exact amounts, icons, addresses in groups of four, QR codes."""

from __future__ import annotations

from datetime import datetime

import segno
from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from accounts.models import User
from ledger import money
from ledger.models import Coin, Operation

register = template.Library()

MINUS = "\u2212"


@register.simple_tag
def amount(value: int, coin: Coin, sign: str = "") -> SafeString:
    """Exact coin units with the symbol; `sign` is "+", "-" or nothing. Never abbreviated or rounded."""
    text = money.plain(value, coin.decimals)
    whole, dot, fraction = text.partition(".")
    return format_html(
        '<data class="amount{}" value="{}" title="{} {}">{}<span class="whole">{}</span>'
        '<span class="fraction">{}{}</span> <span class="symbol">{}</span></data>',
        {"+": " in", "-": " out"}.get(sign, ""),
        text,
        text,
        coin.symbol,
        {"+": "+", "-": MINUS}.get(sign, ""),
        whole,
        dot,
        fraction,
        coin.symbol,
    )


@register.simple_tag
def signed(operation: Operation) -> SafeString:
    """What the operation adds to or takes from its owner's balance, with its sign."""
    if operation.incoming:
        return amount(operation.net, operation.coin, "+")
    return amount(operation.gross, operation.coin, "-")


@register.filter
def plain_amount(value: int, coin: Coin) -> str:
    """Exact digits alone, for form fields and machine-readable attributes."""
    return money.plain(value, coin.decimals)


@register.simple_tag
def icon(name: str) -> SafeString:
    """A decorative icon of the sprite; the words beside it carry the meaning."""
    return format_html(
        '<svg class="icon" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        static("icons/sprite.svg"),
        name,
    )


@register.filter
def groups(address: str) -> list[str]:
    """An address in pieces of four characters, for the eye; the pieces joined are the address again."""
    return [address[start : start + 4] for start in range(0, len(address), 4)]


@register.simple_tag
def qr(text: str, label: str) -> SafeString:
    """A QR code as inline SVG, black on white with its quiet zone, named for screen readers."""
    code = segno.make(text, error="m", micro=False)
    drawing = code.svg_inline(border=4, omitsize=True, dark="#000", light="#fff", svgclass=None, lineclass=None)
    head, _, body = drawing.partition(">")
    return format_html(
        '{} class="qr" role="img" aria-label="{}">{}',
        mark_safe(head),  # noqa: S308 - segno's own drawing, digits only
        label,
        mark_safe(body),  # noqa: S308 - the same
    )


@register.simple_tag
def when(at: datetime) -> SafeString:
    """Relative time to read, the exact one (UTC) in the title and for machines."""
    utc = at.astimezone(timezone.get_default_timezone())
    return format_html(
        '<time datetime="{}" title="{} UTC">{}</time>',
        utc.isoformat(),
        utc.strftime("%Y-%m-%d %H:%M:%S"),
        naturaltime(at),
    )


@register.filter
def public_name(user: User) -> str:
    """How one member sees another: the chosen user name, else a number; never a mail address."""
    return user.username or f"member {user.pk}"


@register.filter
def headline(operation: Operation) -> str:
    """What happened, in a few words."""
    if operation.kind == Operation.Kind.DEPOSIT:
        return "Deposit"
    if operation.kind == Operation.Kind.WITHDRAWAL:
        return "Withdrawal"
    other = public_name(operation.counterpart) if operation.counterpart else "a member"
    return f"From {other}" if operation.incoming else f"To {other}"


@register.filter
def state_word(operation: Operation) -> str:
    """The state for a badge, in one or two words."""
    if operation.kind == Operation.Kind.DEPOSIT and operation.status == Operation.Status.UNCONFIRMED:
        return "Confirming"
    words = Operation.Status(operation.status).label
    return words[:1].upper() + words[1:]


@register.filter
def symbol_of(operation: Operation) -> str:
    """The icon of a kind of operation."""
    if operation.kind == Operation.Kind.MOVE:
        return "arrow-left-right"
    return "arrow-down-left" if operation.incoming else "arrow-up-right"


@register.filter
def shortened(text: str) -> str:
    """Both ends of a long address or transaction id, for a list; pages of their own show all of it."""
    return text if len(text) <= 20 else f"{text[:8]}…{text[-6:]}"


@register.filter
def step_icon(state: str) -> str:
    icons = {"done": "circle-check", "now": "clock", "failed": "circle-x"}
    return icons.get(state, "circle-dashed")


@register.filter
def status_icon(status: str) -> str:
    icons = {"done": "check", "failed": "circle-x", "cancelled": "ban"}
    return icons.get(status, "clock")
