import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


def open_the_trail(apps, schema_editor):
    """The guards of before; today's are put in place after every migration."""
    on = " ON accounts_auditevent" if schema_editor.connection.vendor == "postgresql" else ""
    for name in ("audit_no_update", "audit_no_delete", "audit_only_added"):
        schema_editor.execute(f"DROP TRIGGER IF EXISTS {name}{on}")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_api_keys")]

    operations = [
        migrations.RunPython(open_the_trail, migrations.RunPython.noop),
        migrations.AddField(
            "auditevent",
            "about",
            models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="audited",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField("auditevent", "salt", models.CharField(default="", editable=False, max_length=32)),
        migrations.AddField("auditevent", "digest", models.CharField(default="", editable=False, max_length=64)),
        migrations.AddField("auditevent", "erased_at", models.DateTimeField(editable=False, null=True)),
        migrations.CreateModel(
            name="AuditSeal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveBigIntegerField(unique=True)),
                ("ids", models.TextField()),
                ("previous", models.CharField(max_length=64)),
                ("hash", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
        ),
    ]
