"""Where packages are found."""

PACKAGES = "/api/v1/companies/main/packages/"
RUNS = "/api/v1/companies/main/package-runs/"


def of(package, rest: str = "") -> str:
    return f"{PACKAGES}{package.uuid}/{rest}"
