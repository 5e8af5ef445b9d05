/* The loop: a request, its operations, the reply, exactly once. */
#include "monitor.h"

static u8 *request, *reply; /* FRAME_LIMIT each */
static u32 reply_size;
static u32 last_check; /* of the request that was executed last */
static int any_request;
static u8 operation; /* its place in the request */
static u64 repeats;

u64 monitor_repeats(void) {
    return repeats;
}

static void finish(u32 status, struct out *out) {
    reply[0] = request[0];
    reply[1] = status;
    if (status != STATUS_OK) {
        *out = (struct out){reply + 2, reply + FRAME_LIMIT - 4, 0};
        put_u(out, operation);
        put_u(out, failed_detail);
    }
    reply_size = out->at - reply;
    frame_send(reply, reply_size);
}

static void execute(u32 size) {
    struct in in = {request + 1, request + size, 0};
    struct out out = {reply + 2, reply + FRAME_LIMIT - 4, 0};
    u32 status = STATUS_OK;
    operation = 0;
    while (in.at < in.end) {
        status = operate(&in, &out);
        if (status == STATUS_OK && out.full) {
            failed_detail = 0;
            status = STATUS_TOO_LONG;
        }
        if (status != STATUS_OK)
            break;
        operation++;
    }
    finish(status, &out);
    operations_after_reply();
}

static void loop(void) {
    for (;;) {
        u32 size = frame_receive(request, FRAME_LIMIT);
        u32 check = crc32(0, request, size);
        uart_trusted();
        if (any_request && request[0] == reply[0] && check == last_check) {
            repeats++;
            frame_send(reply, reply_size);
            continue;
        }
        any_request = 1;
        last_check = check;
        reply[0] = request[0];
        execute(size);
    }
}

/* Comes here on a fresh stack: what the request did until now stays done, the rest is not. */
void monitor_fault(u64 cause, u64 address, u64 pc) {
    struct out out;
    (void)cause, (void)pc;
    failed_detail = address;
    finish(STATUS_FAULT, &out);
    loop();
}

void monitor_main(u64 a0, u64 a1) {
    arch_init(a0, a1);
    uart_init();
    memory_init();
    request = memory_take(FRAME_LIMIT);
    reply = memory_take(FRAME_LIMIT);
    tables_init();
    hints_init();
    cache_init();
    run_init();
    memory_announce();
    uart_text("\r\n" GREETING "\r\n");
    loop();
}
