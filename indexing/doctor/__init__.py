"""The recall doctor: what each plan finds and costs on a release, and the plan chosen for each shape of request."""
