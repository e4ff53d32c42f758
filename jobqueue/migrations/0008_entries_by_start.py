from django.db import migrations, models


class Migration(migrations.Migration):
    """Lists and counts by the next start get an index; the one by user and status, which nothing read, makes room."""

    dependencies = [("jobqueue", "0007_calls_by_programs")]

    operations = [
        migrations.RemoveIndex(model_name="entry", name="entry_user_status"),
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["company", "earliest_start_at"], name="entry_company_start"),
        ),
    ]
