"""``$metadata``: the resources described in CSDL, made from the same tables the answers are made from."""

from xml.etree import ElementTree as Xml

from jobqueue.api_v2.companies import COMPANIES
from jobqueue.api_v2.entries import ENTRIES
from jobqueue.api_v2.kinds import Choice
from jobqueue.api_v2.log_entries import LOG_ENTRIES
from jobqueue.api_v2.resources import Resource
from jobqueue.api_v2.spelling import encode

NAMESPACE = "Microsoft.NAV"
EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
EDM = "http://docs.oasis-open.org/odata/ns/edm"
RESOURCES = (COMPANIES, ENTRIES, LOG_ENTRIES)
NAVIGATION = {
    COMPANIES.name: (ENTRIES, LOG_ENTRIES),
    ENTRIES.name: (LOG_ENTRIES,),
    LOG_ENTRIES.name: (),
}


def document() -> str:
    """The whole document as XML."""
    root = Xml.Element("edmx:Edmx", {"Version": "4.0", "xmlns:edmx": EDMX})
    services = Xml.SubElement(root, "edmx:DataServices")
    schema = Xml.SubElement(services, "Schema", {"Namespace": NAMESPACE, "xmlns": EDM})
    for resource in RESOURCES:
        _entity_type(schema, resource)
    for name, kind in sorted(_enums().items()):
        enum = Xml.SubElement(schema, "EnumType", {"Name": name})
        for words, stored in kind.members:
            Xml.SubElement(enum, "Member", {"Name": encode(words), "Value": str(stored[0])})
    restart = Xml.SubElement(schema, "Action", {"Name": "restart", "IsBound": "true"})
    bound = {"Name": "bindingParameter", "Type": f"{NAMESPACE}.{ENTRIES.entity}"}
    Xml.SubElement(restart, "Parameter", bound)
    container = Xml.SubElement(schema, "EntityContainer", {"Name": "NAV"})
    for resource in RESOURCES:
        kept = {"Name": resource.name, "EntityType": f"{NAMESPACE}.{resource.entity}"}
        entity_set = Xml.SubElement(container, "EntitySet", kept)
        for target in NAVIGATION[resource.name]:
            path = {"Path": target.name, "Target": target.name}
            Xml.SubElement(entity_set, "NavigationPropertyBinding", path)
    return '<?xml version="1.0" encoding="utf-8"?>' + Xml.tostring(root, encoding="unicode")


def _entity_type(schema: Xml.Element, resource: Resource) -> None:
    entity = Xml.SubElement(schema, "EntityType", {"Name": resource.entity})
    Xml.SubElement(Xml.SubElement(entity, "Key"), "PropertyRef", {"Name": "id"})
    for one in resource.properties:
        shape = {"Name": one.name, "Type": one.type_name}
        if one.name == "id":
            shape["Nullable"] = "false"
        Xml.SubElement(entity, "Property", shape)
    for target in NAVIGATION[resource.name]:
        many = {
            "Name": target.name,
            "Type": f"Collection({NAMESPACE}.{target.entity})",
            "ContainsTarget": "true",
        }
        Xml.SubElement(entity, "NavigationProperty", many)


def _enums() -> dict[str, Choice]:
    return {
        one.kind.enum_name: one.kind
        for resource in RESOURCES
        for one in resource.properties
        if isinstance(one.kind, Choice) and one.kind.enum_name
    }
