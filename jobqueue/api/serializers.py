"""Serializers that refuse what they do not know, instead of dropping it silently."""

from typing import Any

from rest_framework import serializers


class Strict:
    """Mixed into a serializer: a field it does not have, or one only read, is an error naming it."""

    fields: Any

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict):
            known = self.fields
            found = {}
            for name in data:
                if name not in known:
                    found[name] = [serializers.ErrorDetail("There is no such field.", code="unknown_field")]
                elif known[name].read_only:
                    found[name] = [
                        serializers.ErrorDetail("This field cannot be written.", code="read_only_field")
                    ]
            if found:
                raise serializers.ValidationError(found)
        return super().to_internal_value(data)


class StrictSerializer(Strict, serializers.Serializer):
    pass


class StrictModelSerializer(Strict, serializers.ModelSerializer):
    pass
