/* A storage driver in C: raw files on this machine. Small, but whole: it passes the conformance
 * suite. It shows how a driver is written against firn_driver.h and is never installed.
 *
 * Build: cc -std=c11 -fPIC -shared -fvisibility=hidden -I drivers/abi/include \
 *           -o libfirn_driver_rawfile.so rawfile.c
 */
#define _GNU_SOURCE
#include "firn_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json.h"

/* Between two looks at the cancel flag at most so much is moved. */
#define PIECE ((size_t)1 << 20)

struct firn_driver {
  const firn_host *host;
};

struct firn_disk {
  int fd;
  int writable;
  uint64_t size;
  struct stat opened;
  atomic_int cancelled;
};

static void host_log(const firn_host *host, uint32_t level, const char *message) {
  static const firn_str target = FIRN_STR("rawfile");
  firn_str text = { message, strlen(message) };
  if (host->log != NULL) {
    host->log(host->context, level, target, text);
  }
}

/* Fails with what errno says, as the cause. */
static firn_status fail_errno(firn_error *error, const char *message) {
  int number = errno;
  const char *cause = strerror(number);
  firn_status status = FIRN_INTERNAL;
  switch (number) {
    case ENOENT:
    case ENOTDIR:
      status = FIRN_NOT_FOUND;
      break;
    case EACCES:
    case EPERM:
    case EROFS:
      status = FIRN_FORBIDDEN;
      break;
    case ENOSPC:
    case EDQUOT:
      status = FIRN_QUOTA_EXCEEDED;
      break;
    case EIO:
      status = FIRN_UNAVAILABLE;
      break;
  }
  if (error != NULL) {
    error->cause = firn_text_copy(cause, strlen(cause));
  }
  return firn_fail(error, status, message);
}

static firn_status create(const firn_host *host, firn_str config, firn_driver **out_driver,
                          firn_error *out_error) {
  (void)config; /* There is nothing to configure. */
  firn_driver *driver = malloc(sizeof *driver);
  if (driver == NULL) {
    return firn_fail(out_error, FIRN_INTERNAL, "no memory is left for the driver");
  }
  driver->host = host;
  host_log(host, FIRN_LOG_INFO, "the driver for raw files starts");
  *out_driver = driver;
  return FIRN_OK;
}

static void destroy(firn_driver *driver) {
  free(driver);
}

static uint64_t capabilities(firn_driver *driver) {
  (void)driver;
  return FIRN_CAPABILITY_WRITE;
}

static firn_status probe(firn_driver *driver, firn_str location, firn_probe *out_probe,
                         firn_error *out_error) {
  (void)driver;
  char text[PATH_MAX], real[PATH_MAX];
  if (!json_member(location, "type", text, sizeof text) || strcmp(text, "file") != 0 ||
      !json_member(location, "format", text, sizeof text) || strcmp(text, "raw") != 0 ||
      !json_member(location, "path", text, sizeof text)) {
    return FIRN_OK; /* Not ours: out_probe was prepared to say so. */
  }
  struct stat found;
  if (realpath(text, real) == NULL || stat(real, &found) != 0) {
    return fail_errno(out_error, "cannot look at the disk's file");
  }
  if (!S_ISREG(found.st_mode)) {
    return FIRN_OK;
  }
  char canonical[6 * PATH_MAX + 3];
  size_t length = json_quote(real, canonical);
  out_probe->flags = FIRN_PROBE_MINE;
  out_probe->size_bytes = (uint64_t)found.st_size;
  out_probe->storage = (firn_text){ "rawfile", sizeof "rawfile" - 1, NULL, NULL };
  out_probe->location = firn_text_copy(canonical, length);
  return FIRN_OK;
}

static firn_status open_disk(firn_driver *driver, const firn_open_request *request,
                             firn_disk **out_disk, firn_error *out_error) {
  (void)driver;
  char path[PATH_MAX];
  if (request->snapshot.data != NULL) {
    return firn_fail(out_error, FIRN_UNSUPPORTED, "raw files have no snapshots");
  }
  if (request->access > FIRN_ACCESS_WRITABLE) {
    return firn_fail(out_error, FIRN_UNSUPPORTED, "this driver creates no files");
  }
  if (!json_whole_string(request->location, path, sizeof path)) {
    return firn_fail(out_error, FIRN_INVALID_INPUT, "the location is not one of this driver");
  }
  firn_disk *disk = calloc(1, sizeof *disk);
  if (disk == NULL) {
    return firn_fail(out_error, FIRN_INTERNAL, "no memory is left for the disk");
  }
  disk->writable = request->access == FIRN_ACCESS_WRITABLE;
  disk->fd = open(path, (disk->writable ? O_RDWR : O_RDONLY) | O_CLOEXEC);
  if (disk->fd < 0 || fstat(disk->fd, &disk->opened) != 0) {
    firn_status status = fail_errno(out_error, "cannot open the disk's file");
    if (disk->fd >= 0) {
      close(disk->fd);
    }
    free(disk);
    return status;
  }
  disk->size = (uint64_t)disk->opened.st_size;
  *out_disk = disk;
  return FIRN_OK;
}

static uint64_t size_bytes(firn_disk *disk) {
  return disk->size;
}

static firn_status check_cancel(firn_disk *disk, firn_error *out_error) {
  if (atomic_load(&disk->cancelled)) {
    return firn_fail(out_error, FIRN_CANCELLED, "the operation was cancelled on request");
  }
  return FIRN_OK;
}

static firn_status check_range(firn_disk *disk, uint64_t offset, uint64_t length,
                               firn_error *out_error) {
  if (offset > disk->size || length > disk->size - offset) {
    return firn_fail(out_error, FIRN_INVALID_INPUT, "the range passes the end of the disk");
  }
  return FIRN_OK;
}

static firn_status read_disk(firn_disk *disk, const firn_read_request *requests, size_t count,
                             firn_error *out_error) {
  firn_status status = check_cancel(disk, out_error);
  for (size_t i = 0; i < count && status == FIRN_OK; i++) {
    status = check_range(disk, requests[i].offset, requests[i].length, out_error);
    for (size_t done = 0; status == FIRN_OK && done < requests[i].length;) {
      size_t left = requests[i].length - done;
      ssize_t got = pread(disk->fd, requests[i].buffer + done, left < PIECE ? left : PIECE,
                          (off_t)(requests[i].offset + done));
      if (got < 0 && errno != EINTR) {
        return fail_errno(out_error, "cannot read the disk's file");
      }
      if (got == 0) {
        return firn_fail(out_error, FIRN_CONFLICT, "the disk's file became shorter");
      }
      done += got > 0 ? (size_t)got : 0;
      status = check_cancel(disk, out_error);
    }
  }
  return status;
}

static void cancel(firn_disk *disk) {
  atomic_store(&disk->cancelled, 1);
}

static int same_time(struct timespec a, struct timespec b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static firn_status close_disk(firn_disk *disk, firn_error *out_error) {
  struct stat now;
  if (disk->writable) {
    return FIRN_OK;
  }
  if (fstat(disk->fd, &now) != 0) {
    return fail_errno(out_error, "cannot look at the disk's file");
  }
  if (now.st_size != disk->opened.st_size || !same_time(now.st_mtim, disk->opened.st_mtim)) {
    return firn_fail(out_error, FIRN_CONFLICT, "the disk changed while it was read");
  }
  return FIRN_OK;
}

static void release(firn_disk *disk) {
  close(disk->fd);
  free(disk);
}

static firn_status extents_allocated(firn_disk *disk, uint64_t offset, uint64_t length,
                                     firn_extents *out_extents, firn_error *out_error) {
  firn_status status = check_cancel(disk, out_error);
  if (status != FIRN_OK) {
    return status;
  }
  uint64_t end = offset > disk->size || length > disk->size - offset ? disk->size : offset + length;
  firn_extent *items = NULL;
  size_t count = 0, room = 0;
  while (offset < end) {
    off_t data = lseek(disk->fd, (off_t)offset, SEEK_DATA);
    if (data < 0 && errno == ENXIO) {
      break; /* Only a hole is left. */
    }
    off_t hole = data < 0 ? data : lseek(disk->fd, data, SEEK_HOLE);
    if (hole < 0) {
      status = fail_errno(out_error, "cannot find the data of the disk's file");
      break;
    }
    if ((uint64_t)data >= end) {
      break;
    }
    if (count == room) {
      room = room == 0 ? 16 : room * 2;
      firn_extent *more = realloc(items, room * sizeof *items);
      if (more == NULL) {
        status = firn_fail(out_error, FIRN_INTERNAL, "no memory is left for the extents");
        break;
      }
      items = more;
    }
    uint64_t stop = (uint64_t)hole < end ? (uint64_t)hole : end;
    items[count++] = (firn_extent){ (uint64_t)data, stop - (uint64_t)data };
    offset = stop;
  }
  if (status != FIRN_OK) {
    free(items);
    return status;
  }
  *out_extents = (firn_extents){ items, count, firn_release_malloc, items };
  return FIRN_OK;
}

static firn_status write_disk(firn_disk *disk, uint64_t offset, const uint8_t *data,
                              size_t length, firn_error *out_error) {
  firn_status status = check_cancel(disk, out_error);
  if (status == FIRN_OK && !disk->writable) {
    status = firn_fail(out_error, FIRN_FORBIDDEN, "the disk is open read-only");
  }
  if (status == FIRN_OK) {
    status = check_range(disk, offset, length, out_error);
  }
  for (size_t done = 0; status == FIRN_OK && done < length;) {
    size_t left = length - done;
    ssize_t put = pwrite(disk->fd, data + done, left < PIECE ? left : PIECE,
                         (off_t)(offset + done));
    if (put < 0 && errno != EINTR) {
      return fail_errno(out_error, "cannot write to the disk's file");
    }
    done += put > 0 ? (size_t)put : 0;
    status = check_cancel(disk, out_error);
  }
  return status;
}

static firn_status zero(firn_disk *disk, uint64_t offset, uint64_t length,
                        firn_error *out_error) {
  static const uint8_t zeroes[65536];
  /* All or nothing: the whole range is looked at before any of it is written. */
  firn_status status = write_disk(disk, offset, zeroes, 0, out_error);
  if (status == FIRN_OK) {
    status = check_range(disk, offset, length, out_error);
  }
  while (status == FIRN_OK && length > 0) {
    size_t piece = length < sizeof zeroes ? (size_t)length : sizeof zeroes;
    status = write_disk(disk, offset, zeroes, piece, out_error);
    offset += piece;
    length -= piece;
  }
  return status;
}

static firn_status flush(firn_disk *disk, firn_error *out_error) {
  firn_status status = check_cancel(disk, out_error);
  if (status == FIRN_OK && disk->writable && fsync(disk->fd) != 0) {
    return fail_errno(out_error, "cannot flush the disk's file");
  }
  return status;
}

static const firn_write_extension WRITE = {
  .struct_size = sizeof(firn_write_extension),
  .write = write_disk,
  .zero = zero,
  .flush = flush,
};

static const void *get_extension(firn_str id) {
  return firn_str_equal(id, FIRN_EXTENSION_WRITE) ? &WRITE : NULL;
}

static const firn_descriptor DESCRIPTOR = {
  .struct_size = sizeof(firn_descriptor),
  .name = FIRN_STR("rawfile"),
  .vendor = FIRN_STR("Firn"),
  .version = FIRN_STR("1.0"),
};

static const firn_disk_vtable DISK = {
  .struct_size = sizeof(firn_disk_vtable),
  .size_bytes = size_bytes,
  .read = read_disk,
  .cancel = cancel,
  .close = close_disk,
  .release = release,
  .extents_allocated = extents_allocated,
};

static const firn_driver_vtable DRIVER = {
  .struct_size = sizeof(firn_driver_vtable),
  .abi_version = FIRN_ABI_VERSION,
  .descriptor = &DESCRIPTOR,
  .disk = &DISK,
  .create = create,
  .destroy = destroy,
  .probe = probe,
  .open = open_disk,
  .capabilities = capabilities,
  .get_extension = get_extension,
};

FIRN_EXPORT firn_status firn_driver_entry(uint32_t abi_version, const firn_host *host,
                                          const firn_driver_vtable **out_vtable,
                                          firn_error *out_error) {
  (void)host; /* create() gets it again. */
  if (abi_version != FIRN_ABI_VERSION) {
    return firn_fail(out_error, FIRN_UNSUPPORTED, "this driver was built for another ABI");
  }
  *out_vtable = &DRIVER;
  return FIRN_OK;
}
