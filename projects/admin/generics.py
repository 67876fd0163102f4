"""Django classes that can be subscripted at run time too, as in ModelAdmin[Project].

The type checker's stubs declare these classes generic, but the classes themselves are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin, StackedInline, TabularInline
    from django.forms import ModelForm
else:
    from django import forms
    from django.contrib import admin

    class _Generic:
        def __class_getitem__(cls, parameter):
            return cls

    class ModelAdmin(_Generic, admin.ModelAdmin):
        pass

    class StackedInline(_Generic, admin.StackedInline):
        pass

    class TabularInline(_Generic, admin.TabularInline):
        pass

    class ModelForm(_Generic, forms.ModelForm):
        pass


__all__ = ["ModelAdmin", "ModelForm", "StackedInline", "TabularInline"]
