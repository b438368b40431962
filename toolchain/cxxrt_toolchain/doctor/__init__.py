"""The doctor: environment, imports or process -> facts -> `Diagnosis` (flow 4 of CONTRIBUTING)."""
