"""The services as the others see them: one class a service, one method a route."""
