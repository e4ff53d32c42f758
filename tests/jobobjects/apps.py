from django.apps import AppConfig


class JobObjectsConfig(AppConfig):
    name = "tests.jobobjects"
    label = "tests_jobobjects"
    verbose_name = "Job objects of the tests"
