from django.db import migrations, models


class Migration(migrations.Migration):
    """What people have been told of a due time that waits."""

    dependencies = [("packages", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="package",
            name="waiting_due_at",
            field=models.DateTimeField(
                editable=False,
                help_text="The due time that was last found late while it waited.",
                null=True,
                verbose_name="due time that waits",
            ),
        ),
        migrations.AddField(
            model_name="package",
            name="waiting_noticed_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="found waiting at"),
        ),
        migrations.AddField(
            model_name="package",
            name="waiting_told_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="told that it waits at"),
        ),
    ]
