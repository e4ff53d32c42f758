from django.db import migrations, models


class Migration(migrations.Migration):
    """Lists and counts by the next start get an index."""

    dependencies = [("jobqueue", "0007_calls_by_programs")]

    operations = [
        migrations.AddIndex(
            model_name="entry",
            index=models.Index(fields=["company", "earliest_start_at"], name="entry_company_start"),
        ),
    ]
