from django.urls import path

from entries import views

urlpatterns = [
    path("", views.page, name="page"),
    path("entries", views.add, name="add"),
    path("entries.json", views.as_json, name="json"),
    path("uploads/<path:name>", views.upload, name="upload"),
    path("healthz", views.healthz, name="healthz"),
    path("version", views.version, name="version"),
]
