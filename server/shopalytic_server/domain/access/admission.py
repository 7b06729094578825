"""The question that a gateway asks a server before it reads a request: may this key call that service?

It is no part of the contract: gateway and server are of one product. The key is
in the metadata as with any call, the request is the name of a service
(google.protobuf.StringValue), the answer what tells the key's project from
others (a StringValue; a server of the version before answers with nothing in
it), or the status that a call with this key would have.
"""

SERVICE = "shopalytic.internal.Admission"
METHOD = "Check"
PATH = f"/{SERVICE}/{METHOD}"
