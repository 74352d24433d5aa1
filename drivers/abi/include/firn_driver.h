/* Firn storage drivers: the C ABI. docs/DRIVERS.md tells how to write a driver.
 *
 * Made from the Rust crate firn-driver-abi; do not edit.
 *
 * Rules:
 *  - A struct that begins with struct_size may grow at its end. Its maker sets struct_size to the
 *    sizeof it was compiled with; a field beyond it counts as zero, a NULL function as absent.
 *  - Inputs are borrowed: valid during the call, not longer. Strings are UTF-8 with a length and
 *    without a zero byte at the end.
 *  - Every output carries the function that releases it. Nothing that one side allocated is freed
 *    by the other.
 *  - Outputs count only where the call returns FIRN_OK, out_error only where it does not.
 *  - Every function may be called from any thread, several at once.
 *  - Nothing may unwind (no C++ exception, no longjmp) out of a function.
 */

#ifndef FIRN_DRIVER_H
#define FIRN_DRIVER_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/**
 * The version of this ABI. It changes only when an older driver could no longer be called;
 * appended fields and new extensions do not change it.
 */
#define FIRN_ABI_VERSION 1

/**
 * Only read. The driver itself must open the medium read-only.
 */
#define FIRN_ACCESS_READ_ONLY 0

/**
 * Read and write what exists.
 */
#define FIRN_ACCESS_WRITABLE 1

/**
 * Make a new disk, sparse and all zero, and write it; `FIRN_CONFLICT` where it exists.
 */
#define FIRN_ACCESS_CREATE 2

/**
 * The driver has snapshots (extension `FIRN_EXTENSION_SNAPSHOTS`) and opens them.
 */
#define FIRN_CAPABILITY_SNAPSHOTS 1

/**
 * Some disks tell what changed (extension `FIRN_EXTENSION_CHANGES`).
 */
#define FIRN_CAPABILITY_CHANGED_BLOCKS 2

/**
 * Disks can be opened writable (extension `FIRN_EXTENSION_WRITE`).
 */
#define FIRN_CAPABILITY_WRITE 4

/**
 * Disks can be created (extension `FIRN_EXTENSION_WRITE`).
 */
#define FIRN_CAPABILITY_CREATE 8

/**
 * LUNs are connected to this machine (extension `FIRN_EXTENSION_CONNECTIONS`).
 */
#define FIRN_CAPABILITY_CONNECTIONS 16

/**
 * Disks can be removed (extension `FIRN_EXTENSION_REMOVAL`).
 */
#define FIRN_CAPABILITY_REMOVE 32

/**
 * The disk is this driver's; without it nothing else in the answer counts.
 */
#define FIRN_PROBE_MINE 1

/**
 * The disk's changes are tracked now.
 */
#define FIRN_PROBE_CHANGED_BLOCKS 2

/**
 * Something has the disk open for writing.
 */
#define FIRN_PROBE_IN_USE 4

/**
 * Something failed that the caller may not see as an error.
 */
#define FIRN_LOG_ERROR 1

/**
 * Something an operator should look at.
 */
#define FIRN_LOG_WARN 2

/**
 * Rare and worth knowing.
 */
#define FIRN_LOG_INFO 3

/**
 * For finding faults.
 */
#define FIRN_LOG_DEBUG 4

/**
 * Every call.
 */
#define FIRN_LOG_TRACE 5

/**
 * An opened disk, in the driver's own terms.
 */
typedef struct firn_disk firn_disk;

/**
 * A created driver, in the driver's own terms.
 */
typedef struct firn_driver firn_driver;

/**
 * How a call ended: `FIRN_OK`, or what is wrong. Any other number counts as `FIRN_INTERNAL`.
 */
typedef int32_t firn_status;

/**
 * A borrowed run of UTF-8, valid for the duration of the call it is given to. It does not end in
 * a zero byte: always use `length`. `data` NULL means: no value.
 */
typedef struct {
  /**
   * First byte, or NULL for no value.
   */
  const char *data;
  /**
   * Number of bytes.
   */
  size_t length;
} firn_str;

/**
 * An owned string that a driver gives out: UTF-8, not ended by a zero byte. The receiver copies
 * it and calls `release(owner)`. `release` NULL: nothing is to be released (a string literal).
 * `data` NULL means: no value.
 */
typedef struct {
  /**
   * First byte, or NULL for no value.
   */
  const char *data;
  /**
   * Number of bytes.
   */
  size_t length;
  /**
   * Releases it: called once, from any thread. May be NULL.
   */
  void (*release)(void *owner);
  /**
   * Given to `release`; not looked at otherwise.
   */
  void *owner;
} firn_text;

/**
 * A run of bytes of a disk. Elements of arrays never grow.
 */
typedef struct {
  /**
   * First byte.
   */
  uint64_t offset;
  /**
   * Number of bytes.
   */
  uint64_t length;
} firn_extent;

/**
 * An owned list of extents that a driver gives out, in any order. The receiver copies it and
 * calls `release(owner)`; `release` NULL: nothing is to be released. `items` NULL with `count` 0
 * is the empty list.
 */
typedef struct {
  /**
   * First extent.
   */
  const firn_extent *items;
  /**
   * Number of extents.
   */
  size_t count;
  /**
   * Releases it: called once, from any thread. May be NULL.
   */
  void (*release)(void *owner);
  /**
   * Given to `release`; not looked at otherwise.
   */
  void *owner;
} firn_extents;

/**
 * Where a failing call says why. The host prepares it; a driver sets the texts only where it
 * returns another status than `FIRN_OK`.
 */
typedef struct {
  /**
   * Size of this struct, set by the host.
   */
  size_t struct_size;
  /**
   * What failed, which thing, what to do: one line for people.
   */
  firn_text message;
  /**
   * What caused it, in the words of the layer below; may be left out.
   */
  firn_text cause;
} firn_error;

/**
 * What the host does for a driver. Stays valid for the life of the process; every function may be
 * called from any thread, also from within a call of the host, with `context` as first argument.
 */
typedef struct {
  /**
   * Size of this struct, set by the host.
   */
  size_t struct_size;
  /**
   * The host's own.
   */
  void *context;
  /**
   * Whether lines of this level (FIRN_LOG_…) go anywhere: 0 for no. May be NULL: yes.
   */
  uint32_t (*log_enabled)(void *context, uint32_t level);
  /**
   * Takes a log line; `target` names the part it comes from. Never put secrets into it. May be
   * NULL.
   */
  void (*log)(void *context, uint32_t level, firn_str target, firn_str message);
  /**
   * Takes news of a long call: `done` of `total` units, `total` 0 for unknown. May be NULL.
   */
  void (*progress)(void *context, firn_str operation, uint64_t done, uint64_t total);
} firn_host;

/**
 * Who the driver is. Static: stays valid and unchanged for the life of the process.
 */
typedef struct {
  /**
   * Size of this struct, set by the driver: `sizeof(firn_descriptor)`.
   */
  size_t struct_size;
  /**
   * The `<name>` of `libfirn_driver_<name>.so`: lower-case letters, digits, `_`.
   */
  firn_str name;
  /**
   * Who answers for it.
   */
  firn_str vendor;
  /**
   * The driver's own version.
   */
  firn_str version;
} firn_descriptor;

/**
 * What a driver says of a disk. The host prepares it zeroed, with `struct_size` set.
 */
typedef struct {
  /**
   * Size of this struct, set by the host.
   */
  size_t struct_size;
  /**
   * FIRN_PROBE_…
   */
  uint64_t flags;
  /**
   * Size in bytes, as the guest sees it.
   */
  uint64_t size_bytes;
  /**
   * The storage the disk lies on, for limits and for people: `file:/dev/vda2`, `rbd:volumes`.
   */
  firn_text storage;
  /**
   * JSON of the driver's own shape, given back to `open`. Canonical: the same disk gives the
   * same location.
   */
  firn_text location;
} firn_probe;

/**
 * What to open, and what for.
 */
typedef struct {
  /**
   * Size of this struct, set by the host.
   */
  size_t struct_size;
  /**
   * JSON: the location that the driver gave out by `probe` or `connect`.
   */
  firn_str location;
  /**
   * Name of a snapshot; no value (data NULL): the disk itself. Snapshots are read-only.
   */
  firn_str snapshot;
  /**
   * FIRN_ACCESS_…; an unknown number is answered by `FIRN_UNSUPPORTED`.
   */
  uint32_t access;
  /**
   * Zero.
   */
  uint32_t reserved;
  /**
   * Size of a disk to be created in bytes; otherwise 0.
   */
  uint64_t create_size_bytes;
} firn_open_request;

/**
 * One piece of a vectored read. Elements of arrays never grow.
 */
typedef struct {
  /**
   * First byte on the disk.
   */
  uint64_t offset;
  /**
   * Where to put it.
   */
  uint8_t *buffer;
  /**
   * Number of bytes; 0 succeeds.
   */
  size_t length;
} firn_read_request;

/**
 * The functions of an opened disk. Every one may be called from any thread, several at once, from
 * `open` until `release`; after `close` come only `cancel` and `release`.
 */
typedef struct {
  /**
   * Size of this struct, set by the driver: `sizeof(firn_disk_vtable)`.
   */
  size_t struct_size;
  /**
   * Required. Size in bytes, as the guest sees it; constant while open.
   */
  uint64_t (*size_bytes)(firn_disk *disk);
  /**
   * Required. Fills every buffer or fails as a whole. `FIRN_INVALID_INPUT` where a request
   * passes the end of the disk.
   */
  firn_status (*read)(firn_disk *disk,
                      const firn_read_request *requests,
                      size_t count,
                      firn_error *out_error);
  /**
   * Required. From any thread: calls that run and later ones end with `FIRN_CANCELLED` within
   * seconds. Must not block. There is no way back.
   */
  void (*cancel)(firn_disk *disk);
  /**
   * Required. Ends the use of the disk, called at most once. `FIRN_CONFLICT` where a disk
   * opened read-only without a snapshot may have changed since `open`; it is closed
   * nevertheless.
   */
  firn_status (*close)(firn_disk *disk, firn_error *out_error);
  /**
   * Required. Frees the disk, closed or not; the very last call.
   */
  void (*release)(firn_disk *disk);
  /**
   * Optional. The parts of `[offset, offset + length)` that may hold other bytes than zero.
   * NULL: the storage cannot tell, so everything.
   */
  firn_status (*extents_allocated)(firn_disk *disk,
                                   uint64_t offset,
                                   uint64_t length,
                                   firn_extents *out_extents,
                                   firn_error *out_error);
} firn_disk_vtable;

/**
 * The functions of a driver. Static: stays valid and unchanged for the life of the process.
 * Every function may be called from any thread, several at once.
 */
typedef struct {
  /**
   * Size of this struct, set by the driver: `sizeof(firn_driver_vtable)`.
   */
  size_t struct_size;
  /**
   * The ABI this table follows: `FIRN_ABI_VERSION`.
   */
  uint32_t abi_version;
  /**
   * Zero.
   */
  uint32_t reserved;
  /**
   * Required. Who the driver is.
   */
  const firn_descriptor *descriptor;
  /**
   * Required. The functions of its disks.
   */
  const firn_disk_vtable *disk;
  /**
   * Required. Makes a driver; `config` is its section of the configuration as a JSON object.
   * Quick: storage is reached by `probe` and `open`.
   */
  firn_status (*create)(const firn_host *host,
                        firn_str config,
                        firn_driver **out_driver,
                        firn_error *out_error);
  /**
   * Required. Frees it, after all its disks were released.
   */
  void (*destroy)(firn_driver *driver);
  /**
   * Required. Whether a disk is this driver's; `location` is JSON with a `type`: `file`,
   * `block`, `rbd`, `iscsi`, `nbd`, `pool_volume`, `unknown`. A type that the driver does not
   * know is not its own: `FIRN_OK` with `flags` 0.
   */
  firn_status (*probe)(firn_driver *driver,
                       firn_str location,
                       firn_probe *out_probe,
                       firn_error *out_error);
  /**
   * Required. Opens a disk or a snapshot of one.
   */
  firn_status (*open)(firn_driver *driver,
                      const firn_open_request *request,
                      firn_disk **out_disk,
                      firn_error *out_error);
  /**
   * Optional. FIRN_CAPABILITY_…; NULL: none.
   */
  uint64_t (*capabilities)(firn_driver *driver);
  /**
   * Optional. The table of an optional group of functions by its id, NULL for one that the
   * driver does not have. Asked once, after the entry; the table is static.
   */
  const void *(*get_extension)(firn_str id);
} firn_driver_vtable;

/**
 * `firn_driver_entry`, the one function that a driver's library exports. May be called more than
 * once. `FIRN_UNSUPPORTED` for an `abi_version` that the driver does not know.
 */
typedef firn_status (*firn_entry_fn)(uint32_t abi_version,
                                     const firn_host *host,
                                     const firn_driver_vtable **out_vtable,
                                     firn_error *out_error);

/**
 * Writing to disks. All functions are required. On a disk opened read-only `write` and `zero`
 * answer `FIRN_FORBIDDEN` and `flush` does nothing.
 */
typedef struct {
  /**
   * Size of this struct, set by the driver.
   */
  size_t struct_size;
  /**
   * Writes all of `data`.
   */
  firn_status (*write)(firn_disk *disk,
                       uint64_t offset,
                       const uint8_t *data,
                       size_t length,
                       firn_error *out_error);
  /**
   * Makes a range read as zero, freeing its space where the storage can.
   */
  firn_status (*zero)(firn_disk *disk,
                      uint64_t offset,
                      uint64_t length,
                      firn_error *out_error);
  /**
   * Returns when everything written before it survives a power loss.
   */
  firn_status (*flush)(firn_disk *disk, firn_error *out_error);
} firn_write_extension;

/**
 * Telling what changed between two openings of a disk. All functions are required.
 */
typedef struct {
  /**
   * Size of this struct, set by the driver.
   */
  size_t struct_size;
  /**
   * A name for the disk's content now; no value (data NULL): its changes are not tracked.
   */
  firn_status (*change_token)(firn_disk *disk, firn_text *out_token, firn_error *out_error);
  /**
   * The parts of the disk that may differ from the content that `from` names. More than what
   * changed is allowed, less never; where it cannot be told: `FIRN_UNSUPPORTED`,
   * `FIRN_NOT_FOUND` or `FIRN_CONFLICT`.
   */
  firn_status (*extents_changed)(firn_disk *disk,
                                 firn_str from,
                                 firn_extents *out_extents,
                                 firn_error *out_error);
} firn_changes_extension;

/**
 * Snapshots. All functions are required; `location` is the JSON that `probe` or `connect` gave.
 */
typedef struct {
  /**
   * Size of this struct, set by the driver.
   */
  size_t struct_size;
  /**
   * Takes a snapshot; `FIRN_CONFLICT` where the name is taken.
   */
  firn_status (*create)(firn_driver *driver,
                        firn_str location,
                        firn_str name,
                        firn_error *out_error);
  /**
   * Removes a snapshot; what is absent: `FIRN_OK`.
   */
  firn_status (*remove)(firn_driver *driver,
                        firn_str location,
                        firn_str name,
                        firn_error *out_error);
  /**
   * Gives the names of all snapshots: a JSON array of strings.
   */
  firn_status (*list)(firn_driver *driver,
                      firn_str location,
                      firn_text *out_names,
                      firn_error *out_error);
  /**
   * Gives a snapshot another name: `FIRN_NOT_FOUND` where there is none, `FIRN_CONFLICT` where
   * the other name is taken, `FIRN_UNSUPPORTED` where the storage's snapshots keep their names.
   */
  firn_status (*rename)(firn_driver *driver,
                        firn_str location,
                        firn_str from,
                        firn_str to,
                        firn_error *out_error);
} firn_snapshots_extension;

/**
 * LUNs that are mapped to this machine. All functions are required.
 */
typedef struct {
  /**
   * Size of this struct, set by the driver.
   */
  size_t struct_size;
  /**
   * What this machine is to the storage, as JSON: `host`, `ip`, `initiator`, `wwpns`, `wwnns`,
   * `multipath`.
   */
  firn_status (*connector)(firn_driver *driver,
                           firn_text *out_connector,
                           firn_error *out_error);
  /**
   * Makes a mapped LUN usable. `info` is JSON: `version`, `protocol`, `data`. Gives the
   * location to open as JSON.
   */
  firn_status (*connect)(firn_driver *driver,
                         firn_str info,
                         firn_text *out_location,
                         firn_error *out_error);
  /**
   * Undoes `connect`; what is not connected: `FIRN_OK`.
   */
  firn_status (*disconnect)(firn_driver *driver, firn_str info, firn_error *out_error);
} firn_connections_extension;

/**
 * Removing disks. All functions are required.
 */
typedef struct {
  /**
   * Size of this struct, set by the driver.
   */
  size_t struct_size;
  /**
   * Removes a disk, together with its snapshots whose names begin with `our_snapshots`; what is
   * absent: `FIRN_OK`. `FIRN_CONFLICT`, and everything stays, where somebody has the disk open
   * for writing, where it has any other snapshot, and where something depends on one of its
   * snapshots.
   */
  firn_status (*remove)(firn_driver *driver,
                        firn_str location,
                        firn_str our_snapshots,
                        firn_error *out_error);
} firn_removal_extension;

/**
 * The call succeeded; its outputs are set.
 */
#define FIRN_OK 0

/**
 * The named thing does not exist.
 */
#define FIRN_NOT_FOUND 1

/**
 * The thing exists but its state forbids the request now.
 */
#define FIRN_CONFLICT 2

/**
 * The request itself is wrong.
 */
#define FIRN_INVALID_INPUT 3

/**
 * Not allowed: writing to a read-only disk, or a refusal of the storage.
 */
#define FIRN_FORBIDDEN 4

/**
 * The storage is full, or a limit of it is reached.
 */
#define FIRN_QUOTA_EXCEEDED 5

/**
 * This driver, or this disk of it, cannot do that.
 */
#define FIRN_UNSUPPORTED 6

/**
 * The storage does not answer now; later it may.
 */
#define FIRN_UNAVAILABLE 7

/**
 * The stored data is damaged.
 */
#define FIRN_INTEGRITY 8

/**
 * A defect, or something that nobody planned for.
 */
#define FIRN_INTERNAL 9

/**
 * The call was ended by `cancel`.
 */
#define FIRN_CANCELLED 10

/* The ids that get_extension is asked for. */
#define FIRN_EXTENSION_WRITE "firn.write/1"
#define FIRN_EXTENSION_CHANGES "firn.changes/1"
#define FIRN_EXTENSION_SNAPSHOTS "firn.snapshots/1"
#define FIRN_EXTENSION_CONNECTIONS "firn.connections/1"
#define FIRN_EXTENSION_REMOVAL "firn.removal/1"

#if defined(__GNUC__)
#define FIRN_EXPORT __attribute__((visibility("default")))
#else
#define FIRN_EXPORT
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The one function that a driver's library exports. May be called more than once. Answer
 * FIRN_UNSUPPORTED where abi_version is not FIRN_ABI_VERSION. */
FIRN_EXPORT firn_status firn_driver_entry(uint32_t abi_version,
                                          const firn_host *host,
                                          const firn_driver_vtable **out_vtable,
                                          firn_error *out_error);

/* What follows is for convenience; a driver may do without it. */

/* A borrowed string of a literal: static const firn_str NAME = FIRN_STR("file"); */
#define FIRN_STR(literal) { (literal), sizeof(literal) - 1 }

/* Whether a borrowed string is this one. */
static inline int firn_str_equal(firn_str a, const char *b) {
  return a.data != NULL && a.length == strlen(b) && memcmp(a.data, b, a.length) == 0;
}

/* Lets free() release an output that came from malloc(). */
static inline void firn_release_malloc(void *owner) {
  free(owner);
}

/* An output copied from `data`; no value where there is no memory. */
static inline firn_text firn_text_copy(const char *data, size_t length) {
  firn_text text = { NULL, 0, NULL, NULL };
  char *copy = (char *)malloc(length > 0 ? length : 1);
  if (copy != NULL) {
    memcpy(copy, data, length);
    text.data = copy;
    text.length = length;
    text.release = firn_release_malloc;
    text.owner = copy;
  }
  return text;
}

/* Ends a call: return firn_fail(out_error, FIRN_NOT_FOUND, "…"); the message is copied. */
static inline firn_status firn_fail(firn_error *error, firn_status status, const char *message) {
  if (error != NULL) {
    error->message = firn_text_copy(message, strlen(message));
  }
  return status;
}

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* FIRN_DRIVER_H */
