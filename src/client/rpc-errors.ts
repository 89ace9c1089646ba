/** JSON-RPC 2.0 errors: an exception becomes one on its way out, and one of the classes of errors.ts on its way in. */
import {
  CidReusedError,
  ClosedError,
  DamagedStoreError,
  InvalidArgumentError,
  InvalidEventError,
  LockedError,
  P2PNodeError,
  QuotaError,
  RoomExistsError,
  StorageError,
  StoreInUseError,
  TooLargeError,
  UnknownRoomError,
  UnreachableError,
  WrongPassphraseError,
} from '../errors.ts'

/** The codes of JSON-RPC 2.0 (section 5.1), and `FAILED` for what p2pnode itself refuses: then `data.code` says what. */
export const RPC = {
  PARSE_ERROR: -32700,
  INVALID_REQUEST: -32600,
  METHOD_NOT_FOUND: -32601,
  INVALID_PARAMS: -32602,
  INTERNAL_ERROR: -32603,
  FAILED: -32000,
} as const

/** The `error` member of an answer. `data.field` names the parameter that is wrong. */
export interface RpcError {
  code: number
  message: string
  data?: { code?: string; field?: string }
}

const byCode = new Map<string, new (message: string) => P2PNodeError>([
  ['ROOM_UNKNOWN', UnknownRoomError],
  ['ROOM_EXISTS', RoomExistsError],
  ['CID_REUSED', CidReusedError],
  ['TOO_LARGE', TooLargeError],
  ['QUOTA', QuotaError],
  ['PASSPHRASE_WRONG', WrongPassphraseError],
  ['LOCKED', LockedError],
  ['DAMAGED', DamagedStoreError],
  ['EBUSY', StoreInUseError],
  ['CLOSED', ClosedError],
  ['UNREACHABLE', UnreachableError],
  ['INVALID', InvalidEventError],
])

/** Codes of the operating system, as a disk or socket gives them: `ENOSPC`, `EIO`, `EACCES`. */
const SYSTEM_CODE = /^E[A-Z0-9]+$/

/** What is not meant for a caller (a defect of ours) becomes an internal error without detail. */
export function toRpcError(error: unknown): RpcError {
  if (error instanceof InvalidArgumentError) {
    return { code: RPC.INVALID_PARAMS, message: error.message, data: { code: error.code, field: error.field } }
  }
  if (!(error instanceof Error)) return { code: RPC.INTERNAL_ERROR, message: 'internal error' }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error instanceof P2PNodeError || SYSTEM_CODE.test(code)) {
    return { code: RPC.FAILED, message: error.message, data: { code } }
  }
  return { code: RPC.INTERNAL_ERROR, message: 'internal error' }
}

/** An instance of the class that `data.code` stands for; of `P2PNodeError` for codes that this version does not know. */
export function fromRpcError(error: RpcError): P2PNodeError {
  const { code, message, data } = error
  if (code === RPC.INVALID_PARAMS) return new InvalidArgumentError(data?.field ?? 'params', message)
  const name = data?.code ?? ''
  const known = byCode.get(name)
  if (known !== undefined) return new known(message)
  return SYSTEM_CODE.test(name) ? new StorageError(message, { code: name }) : new P2PNodeError(message)
}
