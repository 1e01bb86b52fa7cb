"""The dedicated-endpoints service: one address in front of many models, shared between teams.

Knows the wire, a database, an object store and containers' HTTP API; never a tensor, never the
engine. Each folder is a domain: `models.py` its tables, `services.py` what may be done with them,
`views.py` the routes, `interfaces.py` where more than one implementation exists.

A reading order: `images/service.py` (one request, whole), `images/dispatch.py` and
`replicas/router.py` (which replica), `endpoints/plan.py` (what shall run), `replicas/keeper.py`
(makes it so), `accounts/auth.py`, `usage/services.py`, `results/store.py`.
"""
