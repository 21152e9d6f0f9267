"""Lists with pages that do one thing each, through a service, and come back to the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html

from ledger.admin.readonly import ReadOnlyAdmin
from wallets_site.base.errors import WalletError


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=300, widget=forms.Textarea(attrs={"rows": 3}), label="Why?")


class ActingAdmin(ReadOnlyAdmin):
    """A list with pages that do one thing each, through a service, and come back to the list."""

    def act(
        self,
        request: HttpRequest,
        title: str,
        words: str,
        form: forms.Form,
        do: Callable[[dict[str, Any]], object],
        done: str,
    ) -> HttpResponseBase:
        """Shows the form; on POST does the thing and says how it went."""
        if request.method == "POST" and form.is_valid():
            try:
                do(form.cleaned_data)
            except WalletError as error:
                messages.error(request, error.message)
            else:
                messages.success(request, done)
            return redirect(reverse(f"admin:ledger_{self.model._meta.model_name}_changelist"))
        context = {**self.admin_site.each_context(request), "title": title, "words": words, "form": form}
        return render(request, "admin/ledger/act.html", context)

    def link(self, name: str, text: str, pk: int) -> str:
        return format_html('<a href="{}">{}</a>', reverse(f"admin:{name}", args=[pk]), text)
