"""The names on the wire, written down once more: whoever renames a class or a field here breaks every client."""

from shared.contract.catalogue import OPERATIONS
from shared.contract.operation import AnyOperation
from shared.contract.scalars import Scalar
from shared.contract.shape import Field, shape_of

# Path, request and response of each operation, with their fields in written order; a star is a list.
_WIRE = """
/user/message/conversations/get
userMessageGetConversationsRequest()
userMessageGetConversationsResponse(conversations* (address string, snippet string, messagesUnread int,
  messagesUnsent int, messages int, maxMessageId int, dateLastMessage dateTime))

/user/message/conversations/read
userMessageReadConversationRequest(address string)
userMessageReadConversationResponse()

/user/message/conversations/delete
userMessageDeleteConversationRequest(address string)
userMessageDeleteConversationResponse()

/user/message/conversations/delete/list
userMessageDeleteConversationListRequest(addresses* string)
userMessageDeleteConversationListResponse()

/user/message/get/by/conversation
userMessageGetMessagesRequest(address string, offset int, limit int)
userMessageGetMessagesResponse(messages* (messageId int, address string, message string, incoming boolean,
  read boolean, locked boolean, origin int, status int, dateSent dateTime, dateStatus dateTime))

/user/message/insert
userMessageInsertRequest(address string, message string, dateSent dateTime, read boolean, locked boolean, origin int,
  incoming boolean)
userMessageInsertResponse(messageId int)

/user/message/send
userMessageSendRequest(recipient long, message string, dateSendOn dateTime, instantOnly boolean, deviceId int)
userMessageSendResponse(messageId int)

/user/message/sync
userMessageSyncRequest(deviceId int,
  syncs* (operation int, messageId int, deviceMessageId int, address string, message string, incoming boolean,
    read boolean, locked boolean, origin int, status int, dateSent dateTime, dateStatus dateTime),
  syncAcks* (messageId int, deviceMessageId int), syncLimit int, syncUnreliable boolean, syncInitial boolean)
userMessageSyncResponse(
  syncs* (operation int, messageId int, deviceMessageId int, address string, message string, incoming boolean,
    read boolean, locked boolean, origin int, status int, dateSent dateTime, dateStatus dateTime),
  syncAcks* (messageId int, deviceMessageId int))

/user/message/update
userMessageUpdateRequest(messageId int, read boolean, locked boolean)
userMessageUpdateResponse()

/user/message/delete
userMessageDeleteRequest(messageId int)
userMessageDeleteResponse()

/user/message/delete/list
userMessageDeleteListRequest(messageIds* int)
userMessageDeleteListResponse()

/user/message/lock/list
userMessageLockListRequest(messageIds* int)
userMessageLockListResponse()

/user/message/unlock/list
userMessageUnlockListRequest(messageIds* int)
userMessageUnlockListResponse()

/user/message/search
userMessageSearchRequest(query string, address string, locked boolean, limit int)
userMessageSearchResponse(messages* (messageId int, address string, message string, incoming boolean,
  read boolean, locked boolean, origin int, status int, dateSent dateTime, dateStatus dateTime))

/user/login
userLoginRequest(msisdn long, password string, key string, checkKey boolean)
userLoginResponse(authToken string)

/user/device/create
userDeviceCreateRequest(os int, canSendSms boolean, canReceiveCall boolean, canInitiateCall boolean,
  pushRegistrationId string, force boolean, messageHistoryLimit int, pushConfig string, maxMmsSize int)
userDeviceCreateResponse(deviceId int)

/user/device/update
userDeviceUpdateRequest(deviceId int, canReceiveCall boolean, canInitiateCall boolean, pushRegistrationId string,
  pushConfig string, maxMmsSize int)
userDeviceUpdateResponse()

/user/device/client/delete
userDeviceClientDeleteRequest(deviceId int)
userDeviceClientDeleteResponse()

/remote/sms/send
remoteSmsSendRequest(recipients* string, message string, dateSendOn dateTime, encoding int, smsConnectorId int,
  store boolean)
remoteSmsSendResponse(remoteSmsSendAcks* (messageId int))

/user/contact/contacts/get
userContactGetContactsRequest()
userContactGetContactsResponse(contacts* (name string, msisdns* string))
"""


def test_paths_elements_and_fields_are_those_of_the_contract() -> None:
    declared = {_without_blanks(_operation(each)) for each in OPERATIONS if each.path is not None}
    assert declared == {_without_blanks(block) for block in _WIRE.strip().split("\n\n")}


def _without_blanks(text: str) -> str:
    return "".join(text.split())


def _operation(operation: AnyOperation) -> str:
    shapes = (f"{shape_of(cls).element}{_fields(cls)}" for cls in (operation.request, operation.reply))
    return "".join([str(operation.path), *shapes])


def _fields(cls: type) -> str:
    return f"({','.join(_field(each) for each in shape_of(cls).fields)})"


def _field(field: Field) -> str:
    kind = field.kind.name.replace("address", "string") if isinstance(field.kind, Scalar) else _fields(field.kind)
    return f"{field.wire}{'*' if field.many else ''} {kind}"
