"""Tags of the pages: exact amounts, icons, addresses in groups of four, QR codes."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

import segno
from django import template
from django.contrib.auth.models import AnonymousUser
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.forms import BoundField
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, get_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from accounts.capabilities import Capability, may
from accounts.models import User
from ledger import money, queries
from ledger.models import Coin, Operation
from ledger.services import rates, waiting
from ledger.services import told as stored

register = template.Library()

MINUS = "\u2212"
SIGNS = {"EUR": "€", "USD": "$", "GBP": "£"}


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
def sats(msat: int) -> SafeString:
    """Millisatoshi as satoshi, exact, in groups of three: "1,000 sats", "0.5 sats"."""
    whole, rest = divmod(abs(msat), 1000)
    fraction = f".{rest:03}".rstrip("0") if rest else ""
    minus = MINUS if msat < 0 else ""
    return format_html('<data class="amount" value="{}">{}{}{} sats</data>', msat, minus, f"{whole:,}", fraction)


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


@dataclass(frozen=True, slots=True)
class Tab:
    url: str
    words: str
    icon: str
    here: bool
    exactly: bool


@register.inclusion_tag("_account_tabs.html", takes_context=True)
def account_tabs(context: Context) -> dict[str, list[Tab]]:
    """The pages about one's own account, on each of them; nothing elsewhere."""
    path = getattr(context.get("request"), "path", "")
    user: User | AnonymousUser | None = context.get("user")
    if user is None or not user.is_authenticated:
        return {"tabs": []}
    api = may(user, Capability.USE_API)
    places = [
        ("profile", _("Profile"), "circle-user-round", True), ("preferences", _("Preferences"), "sliders", True),
        ("security", _("Security"), "shield-check", True), ("statements", _("Statements"), "file-text", True),
        ("keys", _("API keys"), "key", api), ("webhooks", _("Webhooks"), "external-link", api),
        ("purses", _("Purses"), "wallet", api), ("privacy", _("Your data"), "download", True),
    ]  # fmt: skip
    known = [(reverse(name), words, picture) for name, words, picture, shown in places if shown]
    here = max((url for url, _words, _icon in known if path.startswith(url)), key=len, default="")
    if here == reverse("profile") and path not in (here, here + "name/"):
        here = reverse("security")  # whatever else is under it guards the account
    if not here:
        return {"tabs": []}
    return {"tabs": [Tab(url, words, picture, url == here, url == path) for url, words, picture in known]}


@register.simple_tag
def site_coins() -> list[Coin]:
    """The coins people may have here."""
    return queries.coins()


@register.filter
def without_echo(field: BoundField) -> BoundField:
    """Without a placeholder that says again what the label says."""
    field.field.widget.attrs.pop("placeholder", None)
    return field


@register.filter
def may_use_programs(user: User | AnonymousUser) -> bool:
    return may(user, Capability.USE_API)


@register.simple_tag
@functools.cache
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
    """Relative time to read, the exact one of the reader's zone in the title, UTC for machines."""
    here = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.astimezone(UTC).isoformat(),
        here.strftime("%Y-%m-%d %H:%M:%S %Z"),
        naturaltime(at),
    )


@register.simple_tag
def exact(at: datetime) -> SafeString:
    """Date, time and zone in the reader's language."""
    here = timezone.localtime(at)
    words = f"{date_format(here, 'DATETIME_FORMAT')} {here.tzname()}"
    return format_html('<time datetime="{}">{}</time>', at.astimezone(UTC).isoformat(), words)


@register.simple_tag(takes_context=True)
def own(context: Context, value: int, coin: Coin, sign: str = "") -> SafeString:
    """An amount the reader owns: dots while they hide their balances."""
    if _hidden(context):
        return format_html('<span class="amount hid">{} <span class="symbol">{}</span></span>', _dots(), coin.symbol)
    return amount(value, coin, sign)


@register.simple_tag(takes_context=True)
def fiat(context: Context, value: int | None, currency: str, owned: bool = True) -> SafeString:
    """A worth in hundredths of the currency, in the reader's number format; nothing where it is not known."""
    if value is None:
        return SafeString("")
    if owned and _hidden(context):
        return format_html('<span class="fiat hid">{}</span>', _dots())
    return format_html('<data class="fiat" value="{}">{}</data>', money.fixed(value, 2), money_text(value, currency))


def money_text(value: int, currency: str, places: int = 2) -> str:
    """ "€1,234.50" or "1.234,50 €", as the active language writes it. value: in 10^-places of the currency."""
    figure = number_format(Decimal(money.fixed(value, places)), decimal_pos=places, use_l10n=True, force_grouping=True)
    sign = SIGNS.get(currency, currency)
    return f"{sign}{'' if sign in SIGNS.values() else ' '}{figure}" if get_format("DECIMAL_SEPARATOR") == "." else (
        f"{figure} {sign}"
    )  # fmt: skip


def _dots() -> SafeString:
    return format_html(
        '<span aria-hidden="true">••••</span><span class="visually-hidden">{}</span>', _("hidden")
    )  # fmt: skip


def _hidden(context: Context) -> bool:
    user = context.get("user")
    return bool(getattr(user, "hide_balances", False))


@register.simple_tag
def rate(price: int, currency: str) -> SafeString:
    """A price in 10^-12 of the currency: two decimals, or as many as four figures need below one."""
    whole = len(str(price)) > rates.DECIMALS
    places = 2 if whole else min(rates.DECIMALS, rates.DECIMALS - len(str(price)) + 4)
    rounded = price // 10 ** (rates.DECIMALS - places)
    return format_html('<data class="fiat" value="{}">{}</data>', money.plain(price, rates.DECIMALS),
                       money_text(rounded, currency, places))  # fmt: skip


@register.simple_tag
def change(hundredths: int | None) -> SafeString:
    """A change in hundredths of a percent, with its sign and an arrow that is not colour alone."""
    if hundredths is None:
        return SafeString("")
    kind = "up" if hundredths > 0 else "down" if hundredths < 0 else "same"
    sign = {"up": "+", "down": MINUS, "same": ""}[kind]
    figure = number_format(Decimal(money.fixed(abs(hundredths), 2)), decimal_pos=2, use_l10n=True)
    return format_html('<span class="change {}">{}{} %</span>', kind, sign, figure)


@register.simple_tag
def sparkline(values: Sequence[int], label: str) -> SafeString:
    """A small line of these values as SVG, described for those who cannot see it."""
    low, high = min(values), max(values)
    room = max(1, high - low)
    points = [
        (at * 1200 // max(1, len(values) - 1), 280 - (value - low) * 240 // room) for at, value in enumerate(values)
    ]
    path = " ".join(f"{x},{y}" for x, y in points)
    return format_html(
        '<svg class="spark" viewBox="0 0 1200 320" preserveAspectRatio="none" role="img" aria-label="{}">'
        '<polygon class="under" points="0,320 {} 1200,320"></polygon><polyline points="{}"></polyline></svg>',
        label, path, path,
    )  # fmt: skip


@register.filter
def span(seconds: int) -> str:
    return waiting.span(seconds)


@register.filter
def public_name(user: User) -> str:
    """How one member sees another: the chosen user name, else a number; never a mail address."""
    return user.username or _("member %(number)s") % {"number": user.pk}


@register.filter
def headline(operation: Operation) -> str:
    """What happened, in a few words."""
    if operation.kind == Operation.Kind.DEPOSIT:
        return _("Deposit")
    if operation.kind == Operation.Kind.WITHDRAWAL:
        return _("Withdrawal")
    other = public_name(operation.counterpart) if operation.counterpart else _("a member")
    return (_("From %(name)s") if operation.incoming else _("To %(name)s")) % {"name": other}


@register.filter
def state_word(operation: Operation) -> str:
    """The state for a badge, in one or two words."""
    if operation.kind == Operation.Kind.DEPOSIT and operation.status == Operation.Status.UNCONFIRMED:
        return _("Confirming")
    words = str(Operation.Status(operation.status).label)
    return words[:1].upper() + words[1:]


@register.simple_tag
def badge(operation: Operation) -> SafeString:
    """The state, by icon and words."""
    return format_html(
        '<span class="badge {}">{}{}</span>', operation.status, icon(status_icon(operation.status)),
        state_word(operation),
    )  # fmt: skip


@register.filter
def told(reason: str) -> str:
    """A reason as it was written down, in the reader's language where it is one of ours."""
    return stored.told(reason)


@register.filter
def level_name(level: str) -> str:
    """A fee level of a network, for people."""
    words = {
        "slow": _("Slow"), "unimportant": _("Slow"), "normal": _("Normal"), "elevated": _("Fast"), "fast": _("Fast"),
        "priority": _("Fastest"),
    }  # fmt: skip
    return words.get(level, level)


@register.filter
def proof_name(name: str) -> str:
    """How a part of a proof is called."""
    words = {
        "txid": _("Transaction"), "tx_key": _("Transaction key"), "payment_hash": _("Payment hash"),
        "preimage": _("Preimage"),
    }  # fmt: skip
    return words.get(name, name)


@register.filter
def waits(operation: Operation) -> str:
    return waiting.brief(operation)


@register.filter
def who_acts(said: waiting.Waiting) -> str:
    """Who must act next, as a sentence."""
    words = {
        "you": _("You must act."),
        "sender": _("The sender must act."),
        "manager": _("A manager of this site must act."),
        "network": _("Nobody has to do anything: the network works on it."),
        "site": _("Nobody has to do anything: this site works on it."),
    }
    return words.get(said.who, "")


@register.filter
def month_name(month: str) -> str:
    """ "2026-11" as "November 2026"."""
    year, _dash, number = month.partition("-")
    return date_format(date(int(year), int(number), 1), "YEAR_MONTH_FORMAT")


@register.simple_tag
def signed_amount(value: int, coin: Coin) -> SafeString:
    return amount(abs(value), coin, "+" if value >= 0 else "-")


@register.filter
def line_words(kind: str) -> str:
    """A kind of entry in the books, for its owner."""
    words = {
        "deposit": _("Deposit"),
        "move": _("Transfer"),
        "move_reserved": _("Reserved for a transfer"),
        "move_cancelled": _("Reserve given back"),
        "withdrawal_reserved": _("Reserved for a withdrawal"),
        "withdrawal_cancelled": _("Reserve given back"),
        "withdrawal_failed": _("Reserve given back"),
        "reversal": _("Reversal"),
        "adjustment": _("Correction"),
        "hold_placed": _("Set aside"),
        "hold_captured": _("Paid from what was set aside"),
        "hold_released": _("Given back"),
        "withdrawal_inside": _("Transfer"),
    }
    return words.get(kind) or kind.replace("_", " ").capitalize()


@register.filter
def browser_name(agent: str) -> str:
    """ "Firefox on Linux" from a browser's own long story; its start where we know neither."""
    browsers = ("Edg", "OPR", "Firefox", "Chrome", "Safari", "curl")
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "macOS",
               "Linux": "Linux"}  # fmt: skip
    browser = next((name for name in browsers if name in agent), "")
    system = next((name for text, name in systems.items() if text in agent), "")
    known = {"Edg": "Edge", "OPR": "Opera"}.get(browser, browser)
    if known and system:
        return _("%(browser)s on %(system)s") % {"browser": known, "system": system}
    return known or system or agent[:60] or _("Unknown browser")


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
