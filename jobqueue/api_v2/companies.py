"""The resource ``companies``."""

from jobqueue.api_v2.kinds import Guid, Int32, Moment, Text
from jobqueue.api_v2.resources import Property, Resource


def _nothing(_row: object) -> None:
    return None


COMPANIES = Resource(
    name="companies",
    entity="company",
    row_order="code",
    properties=(
        Property("id", Guid(), lambda row: row.id, "id"),
        Property("systemVersion", Text(), _nothing),
        Property("timestamp", Int32(), _nothing),
        Property("name", Text(), lambda row: row.code, "code"),
        Property("displayName", Text(), lambda row: row.name, "name"),
        Property("businessProfileId", Text(), _nothing),
        Property("systemCreatedAt", Moment(), _nothing),
        Property("systemCreatedBy", Guid(), _nothing),
        Property("systemModifiedAt", Moment(), _nothing),
        Property("systemModifiedBy", Guid(), _nothing),
    ),
)
