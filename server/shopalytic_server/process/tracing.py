"""Sends OpenTelemetry's traces to where the operator collects them."""

from collections.abc import Callable

from opentelemetry import trace

from shopalytic_server.config import SettingsError


def set_up(endpoint: str) -> Callable[[], None]:
    """Sends spans to an OTLP collector over HTTP from now on; returns what sends the last ones.

    Without an endpoint nothing is done. OpenTelemetry's own variables, such as
    OTEL_TRACES_SAMPLER and OTEL_SERVICE_NAME, apply too. Raises SettingsError
    when the packages for it are not installed.
    """
    if not endpoint:
        return _nothing
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        text = "--otlp-endpoint needs more packages: pip install 'shopalytic[server,tracing]'."
        raise SettingsError(text) from error
    resource = Resource.create()
    if resource.attributes.get("service.name", "unknown_service") == "unknown_service":
        resource = resource.merge(Resource({"service.name": "shopalytic"}))
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider.shutdown


def _nothing() -> None:
    """Nothing was set up."""
