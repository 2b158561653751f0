import logging

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import Error, connection
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from entries.forms import EntryForm
from entries.models import Entry

logger = logging.getLogger(__name__)


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    return show(request, EntryForm())


@require_POST
def add(request: HttpRequest) -> HttpResponse:
    form = EntryForm(request.POST, request.FILES)
    if not form.is_valid():
        return show(request, form, status=400)
    form.save()
    return redirect("page")


def show(request: HttpRequest, form: EntryForm, status: int = 200) -> HttpResponse:
    context = {"entries": Entry.objects.all()[:100], "form": form, "release": settings.RELEASE}
    return render(request, "entries/page.html", context, status=status)


@require_safe
def as_json(request: HttpRequest) -> JsonResponse:
    fields = Entry.objects.values("id", "name", "text", "attachment", "created")
    return JsonResponse({"entries": list(fields)})


@require_safe
def upload(request: HttpRequest, name: str) -> FileResponse:
    if not Entry.objects.filter(attachment=name).exists() or not default_storage.exists(name):
        raise Http404(name)
    return FileResponse(default_storage.open(name), as_attachment=True)


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error as error:
        logger.warning("the database does not answer: %s", error)
        return HttpResponse("the database does not answer\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def version(request: HttpRequest) -> HttpResponse:
    return HttpResponse(f"{settings.RELEASE}\n", content_type="text/plain")
