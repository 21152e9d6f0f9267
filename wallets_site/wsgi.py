from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wallets_site.settings")
application = get_wsgi_application()

from ledger.services import recovery  # noqa: E402 - the apps are ready only now

recovery.look_at_start()
