/* The floor: a C program that writes the same batches to every WebSocket client, and nothing else.
 *
 *     cc -O2 -o batch_writer batch_writer.c
 *     batch_writer PORT CLIENTS MESSAGES_PER_WRITE MESSAGE_BYTES SECONDS
 *
 * Accepts the given number of clients with one fixed handshake answer (the load client sends one
 * fixed key), then writes prepared frames round robin with non-blocking sends; a client whose
 * socket is full is passed over, and continues inside its batch later. Ends by itself.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char ANSWER[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                             "Connection: Upgrade\r\n"
                             "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void fail(const char *what) {
    fprintf(stderr, "batch_writer: %s: %s\n", what, strerror(errno));
    exit(1);
}

int main(int argc, char **argv) {
    if (argc != 6) {
        fprintf(stderr, "usage: batch_writer PORT CLIENTS MESSAGES BYTES SECONDS\n");
        return 2;
    }
    int count = atoi(argv[2]), per_write = atoi(argv[3]), size = atoi(argv[4]);
    double seconds = atof(argv[5]);
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    size_t frame = 4 + (size_t)size, length = frame * (size_t)per_write;
    uint8_t *batch = malloc(length);
    for (int i = 0; i < per_write; i++) {
        uint8_t *at = batch + frame * (size_t)i;
        at[0] = 0x81, at[1] = 126, at[2] = (uint8_t)(size >> 8), at[3] = (uint8_t)size;
        memset(at + 4, 'x', (size_t)size);
    }
    int listener = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(argv[1])),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(listener, (struct sockaddr *)&address, sizeof address)) fail("bind");
    if (listen(listener, 4096)) fail("listen");
    int *sockets = calloc((size_t)count, sizeof *sockets);
    size_t *sent = calloc((size_t)count, sizeof *sent);
    char request[4096];
    for (int i = 0; i < count; i++) {
        sockets[i] = accept(listener, NULL, NULL);
        if (sockets[i] < 0) fail("accept");
        if (recv(sockets[i], request, sizeof request, 0) <= 0) fail("receive");
        if (send(sockets[i], ANSWER, sizeof ANSWER - 1, MSG_NOSIGNAL) < 0) fail("answer");
        setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        fcntl(sockets[i], F_SETFL, O_NONBLOCK);
    }
    double deadline_s = now_s() + seconds;
    while (now_s() < deadline_s)
        for (int i = 0; i < count; i++) {
            ssize_t put = send(sockets[i], batch + sent[i], length - sent[i], MSG_NOSIGNAL);
            if (put > 0) sent[i] = (sent[i] + (size_t)put) % length;
        }
    return 0;
}
