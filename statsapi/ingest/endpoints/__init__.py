"""The endpoints that SDKs send to, a module each (docs/contract.md#intake-endpoints). Only counts are kept."""
