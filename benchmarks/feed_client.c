/* WebSocket load client: connects many clients to one feed and counts what arrives.
 *
 * Plain C and epoll, one thread, no dependencies:
 *     cc -O2 -o feed_client feed_client.c
 *     feed_client HOST PORT PATH [--clients N] [--seconds S] [--warmup S] [--latency]
 *                 [--stalled K] [--receive-buffer BYTES] [--hello TEXT] [--per-marker TEXT]
 *
 * PATH may be @FILE: client i then asks for line i (modulo the number of lines) of that file.
 * --hello sends one binary message after the handshake (servers that want a request first), and
 * --per-marker counts occurrences of a text instead of frames (servers that put many messages into
 * one frame); it must not be split over two reads more often than rarely.
 * Messages are counted by walking frame headers; payloads are not looked at, except with
 * --latency: then each text frame is searched for "t":<integer>, a CLOCK_MONOTONIC reading in
 * nanoseconds taken by the publisher on the same machine. The first K clients (--stalled) connect
 * and never read. Pings are answered. The run ends after the given seconds, whatever happens, and
 * one JSON line is printed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    READ_BYTES = 1 << 20,
    HANDSHAKE_BYTES_MAX = 8192,
    HANDSHAKE_TIMEOUT_S = 10,
    EVENTS_MAX = 1024,
    HEADER_BYTES_MAX = 10,
    SAMPLE_BYTES = 512, /* how far into a message the time marker is looked for */
    CONTROL_BYTES_MAX = 125,
    BUCKETS_PER_OCTAVE = 32,
    OCTAVES = 40,
};

struct client {
    int fd;
    uint8_t header[HEADER_BYTES_MAX];
    uint8_t header_length;
    uint8_t opcode;
    uint64_t remaining; /* payload bytes still to come; a frame is open while in_payload */
    int in_payload;
    uint32_t sample_length;
    char *sample; /* start of the payload: time marker of a text, body of a ping */
};

static struct client *clients;
static uint64_t histogram[OCTAVES * BUCKETS_PER_OCTAVE];
static uint64_t samples, latency_max_ns;
static uint64_t messages, bytes, closed_by_server, close_frames, errors;
static int counting, measures_latency;
static const char *hello, *marker;
static uint8_t read_buffer[READ_BYTES];

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void fail(const char *what) {
    fprintf(stderr, "feed_client: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Buckets grow with the value: 32 per doubling, so a percentile is exact to about 3 %. */
static unsigned bucket_of(uint64_t value) {
    if (value < BUCKETS_PER_OCTAVE) return (unsigned)value;
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - 5;
    unsigned index = (shift + 1) * BUCKETS_PER_OCTAVE + (unsigned)((value >> shift) & 31);
    unsigned last = OCTAVES * BUCKETS_PER_OCTAVE - 1;
    return index < last ? index : last;
}

static uint64_t value_of(unsigned bucket) {
    if (bucket < BUCKETS_PER_OCTAVE) return bucket;
    unsigned shift = bucket / BUCKETS_PER_OCTAVE - 1;
    return (uint64_t)(BUCKETS_PER_OCTAVE + bucket % BUCKETS_PER_OCTAVE) << shift;
}

static double percentile_us(double share) {
    uint64_t wanted = (uint64_t)((double)samples * share), seen = 0;
    for (unsigned bucket = 0; bucket < OCTAVES * BUCKETS_PER_OCTAVE; bucket++) {
        seen += histogram[bucket];
        if (seen > wanted) return (double)value_of(bucket) / 1000.0;
    }
    return (double)latency_max_ns / 1000.0;
}

static void measure(const char *sample, uint32_t length) {
    const char *marker = memmem(sample, length, "\"t\":", 4);
    if (!marker) return;
    uint64_t sent_ns = 0;
    for (const char *p = marker + 4; p < sample + length && *p >= '0' && *p <= '9'; p++)
        sent_ns = sent_ns * 10 + (uint64_t)(*p - '0');
    uint64_t received_ns = now_ns();
    if (!sent_ns || received_ns < sent_ns) return;
    uint64_t latency_ns = received_ns - sent_ns;
    histogram[bucket_of(latency_ns)]++;
    samples++;
    if (latency_ns > latency_max_ns) latency_max_ns = latency_ns;
}

static void answer_ping(struct client *client) {
    uint8_t pong[6 + CONTROL_BYTES_MAX] = {0x8A};
    pong[1] = 0x80 | (uint8_t)client->sample_length; /* the mask is four zero bytes */
    memcpy(pong + 6, client->sample, client->sample_length);
    if (send(client->fd, pong, 6 + client->sample_length, MSG_NOSIGNAL) < 0) errors++;
}

static void frame_ended(struct client *client) {
    client->in_payload = 0;
    if (client->opcode == 1 || client->opcode == 2) {
        if (!counting || marker) return;
        messages++;
        if (measures_latency) measure(client->sample, client->sample_length);
    } else if (client->opcode == 9) {
        answer_ping(client);
    } else if (client->opcode == 8) {
        close_frames++;
    }
}

/* Return the length of a frame header whose first two bytes are known. */
static unsigned header_size(const uint8_t *header) {
    unsigned length = header[1] & 127;
    return length == 126 ? 4 : length == 127 ? 10 : 2;
}

static void frame_started(struct client *client, const uint8_t *header) {
    client->opcode = header[0] & 15;
    uint64_t length = header[1] & 127;
    unsigned extra = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (extra) {
        length = 0;
        for (unsigned i = 0; i < extra; i++) length = length << 8 | header[2 + i];
    }
    client->remaining = length;
    client->in_payload = 1;
    client->sample_length = 0;
}

static void parse(struct client *client, const uint8_t *data, size_t size) {
    const uint8_t *end = data + size;
    while (data < end || (client->in_payload && !client->remaining)) {
        if (client->in_payload) {
            uint64_t take = (uint64_t)(end - data);
            if (take > client->remaining) take = client->remaining;
            if ((measures_latency || client->opcode == 9) && client->sample_length < SAMPLE_BYTES) {
                uint64_t room = SAMPLE_BYTES - client->sample_length;
                uint64_t copied = take < room ? take : room;
                memcpy(client->sample + client->sample_length, data, copied);
                client->sample_length += (uint32_t)copied;
            }
            client->remaining -= take;
            data += take;
            if (client->remaining) return;
            frame_ended(client);
            continue;
        }
        /* The common case: a whole header in the buffer, nothing kept from the last read. */
        if (!client->header_length && end - data >= HEADER_BYTES_MAX) {
            frame_started(client, data);
            data += header_size(data);
            continue;
        }
        client->header[client->header_length++] = *data++;
        if (client->header_length >= 2 && client->header_length == header_size(client->header)) {
            client->header_length = 0;
            frame_started(client, client->header);
        }
    }
}

static void say_hello(struct client *client) {
    uint8_t frame[8 + 1024] = {0x82};
    size_t length = strlen(hello), at = 2;
    if (length > 1024) fail("hello is too long");
    if (length < 126) {
        frame[1] = (uint8_t)(0x80 | length);
    } else {
        frame[1] = 0x80 | 126;
        frame[at++] = (uint8_t)(length >> 8);
        frame[at++] = (uint8_t)length;
    }
    memset(frame + at, 0, 4); /* the mask is four zero bytes */
    memcpy(frame + at + 4, hello, length);
    if (send(client->fd, frame, at + 4 + length, MSG_NOSIGNAL) < 0) fail("hello");
}

/* The path of a client: the argument itself, or a line of the file that it names. */
static const char *path_of(const char *argument, int index) {
    static char *lines[65536];
    static int count;
    if (argument[0] != '@') return argument;
    if (!count) {
        FILE *file = fopen(argument + 1, "r");
        size_t size = 0;
        char *line = NULL;
        if (!file) fail(argument + 1);
        while (count < 65536 && getline(&line, &size, file) > 0) {
            line[strcspn(line, "\r\n")] = 0;
            lines[count++] = strdup(line);
        }
        fclose(file);
        if (!count) fail("no path in file");
    }
    return lines[index % count];
}

static void handshake(struct client *client, const char *host, const char *port, const char *path) {
    char request[2048], reply[HANDSHAKE_BYTES_MAX + 1];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: %s:%s\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                          "Sec-WebSocket-Version: 13\r\n\r\n",
                          path, host, port);
    if (send(client->fd, request, (size_t)length, MSG_NOSIGNAL) != length) fail("handshake send");
    size_t filled = 0;
    for (;;) {
        ssize_t got = recv(client->fd, reply + filled, HANDSHAKE_BYTES_MAX - filled, 0);
        if (got <= 0) fail("handshake receive");
        filled += (size_t)got;
        reply[filled] = 0;
        char *body = strstr(reply, "\r\n\r\n");
        if (!body) {
            if (filled == HANDSHAKE_BYTES_MAX) fail("handshake too long");
            continue;
        }
        if (strncmp(reply, "HTTP/1.1 101", 12)) {
            fprintf(stderr, "feed_client: refused: %.60s\n", reply);
            exit(1);
        }
        body += 4;
        if (hello) say_hello(client);
        parse(client, (uint8_t *)body, filled - (size_t)(body - reply));
        return;
    }
}

/* A server that has just been started may not listen yet: ask again for a while. */
static void connect_client(struct client *client, const struct addrinfo *address, int buffer) {
    uint64_t deadline_ns = now_ns() + HANDSHAKE_TIMEOUT_S * 1000000000ull;
    for (;;) {
        client->fd = socket(address->ai_family, SOCK_STREAM, 0);
        if (client->fd < 0) fail("socket");
        if (buffer) setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        if (!connect(client->fd, address->ai_addr, address->ai_addrlen)) break;
        if (errno != ECONNREFUSED || now_ns() > deadline_ns) fail("connect");
        close(client->fd);
        usleep(20000);
    }
    struct timeval timeout = {HANDSHAKE_TIMEOUT_S, 0};
    setsockopt(client->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    int on = 1;
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    client->sample = malloc(SAMPLE_BYTES);
    if (!client->sample) fail("malloc");
}

static void read_client(int poller, struct client *client) {
    ssize_t got = recv(client->fd, read_buffer, sizeof read_buffer, 0);
    if (got > 0) {
        if (counting) bytes += (uint64_t)got;
        if (counting && marker) {
            const uint8_t *at = read_buffer, *end = read_buffer + got;
            size_t length = strlen(marker);
            while ((at = memmem(at, (size_t)(end - at), marker, length))) messages++, at += length;
        }
        parse(client, read_buffer, (size_t)got);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        if (got < 0) errors++;
        closed_by_server++;
        epoll_ctl(poller, EPOLL_CTL_DEL, client->fd, NULL);
        close(client->fd);
    }
}

static void run_until(int poller, uint64_t deadline_ns) {
    struct epoll_event events[EVENTS_MAX];
    for (;;) {
        uint64_t now = now_ns();
        if (now >= deadline_ns) return;
        int wait_ms = (int)((deadline_ns - now) / 1000000u) + 1;
        int count = epoll_wait(poller, events, EVENTS_MAX, wait_ms);
        if (count < 0 && errno != EINTR) fail("epoll_wait");
        for (int i = 0; i < count; i++) read_client(poller, events[i].data.ptr);
    }
}

static void print_result(int count, int stalled, double seconds) {
    printf("{\"clients\":%d,\"stalled\":%d,\"seconds\":%.3f,\"messages\":%" PRIu64
           ",\"messages_per_s\":%.0f,\"bytes\":%" PRIu64 ",\"mib_per_s\":%.1f,\"closed\":%" PRIu64
           ",\"close_frames\":%" PRIu64 ",\"errors\":%" PRIu64,
           count, stalled, seconds, messages, (double)messages / seconds, bytes,
           (double)bytes / seconds / 1048576.0, closed_by_server, close_frames, errors);
    if (measures_latency)
        printf(",\"latency_us\":{\"samples\":%" PRIu64
               ",\"p50\":%.1f,\"p90\":%.1f,\"p99\":%.1f,\"p999\":%.1f,\"max\":%.1f}",
               samples, percentile_us(0.5), percentile_us(0.9), percentile_us(0.99),
               percentile_us(0.999), (double)latency_max_ns / 1000.0);
    printf("}\n");
}

int main(int argc, char **argv) {
    int count = 1000, stalled = 0, buffer = 0;
    double seconds = 5, warmup_s = 1;
    if (argc < 4) {
        fprintf(stderr, "usage: feed_client HOST PORT PATH [--clients N] [--seconds S] "
                        "[--warmup S] [--latency] [--stalled K] [--receive-buffer BYTES] "
                        "[--hello TEXT] [--per-marker TEXT]\n");
        return 2;
    }
    for (int i = 4; i < argc; i++) {
        if (!strcmp(argv[i], "--latency")) measures_latency = 1;
        else if (i + 1 == argc) errno = EINVAL, fail(argv[i]);
        else if (!strcmp(argv[i], "--hello")) hello = argv[++i];
        else if (!strcmp(argv[i], "--per-marker")) marker = argv[++i];
        else if (!strcmp(argv[i], "--clients")) count = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--seconds")) seconds = atof(argv[++i]);
        else if (!strcmp(argv[i], "--warmup")) warmup_s = atof(argv[++i]);
        else if (!strcmp(argv[i], "--stalled")) stalled = atoi(argv[++i]);
        else if (!strcmp(argv[i], "--receive-buffer")) buffer = atoi(argv[++i]);
        else errno = EINVAL, fail(argv[i]);
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *address;
    if (getaddrinfo(argv[1], argv[2], &hints, &address)) fail("resolve");
    int poller = epoll_create1(0);
    clients = calloc((size_t)count, sizeof *clients);
    if (poller < 0 || !clients) fail("set-up");
    for (int i = 0; i < count; i++) {
        connect_client(&clients[i], address, buffer);
        handshake(&clients[i], argv[1], argv[2], path_of(argv[3], i));
        fcntl(clients[i].fd, F_SETFL, O_NONBLOCK);
        if (i < stalled) continue;
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &clients[i]};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, clients[i].fd, &event)) fail("epoll_ctl");
    }
    freeaddrinfo(address);
    fprintf(stderr, "feed_client: %d clients connected\n", count);
    run_until(poller, now_ns() + (uint64_t)(warmup_s * 1e9));
    counting = 1;
    uint64_t start_ns = now_ns();
    run_until(poller, start_ns + (uint64_t)(seconds * 1e9));
    print_result(count, stalled, (double)(now_ns() - start_ns) / 1e9);
    return 0;
}
