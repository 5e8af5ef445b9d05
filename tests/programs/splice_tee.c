/* splice, tee, vmsplice, sendfile, copy_file_range */
#include "t.h"

int main(void)
{
    int a[2], b[2];
    char buffer[100] = {0};
    pipe(a);
    pipe(b);
    make_file("in", "0123456789abcdefghij");
    int in = open("in", O_RDONLY), out = open("out", O_RDWR | O_CREAT | O_TRUNC, 0644);
    loff_t at = 5;
    show("splice from file", splice(in, &at, a[1], NULL, 8, 0));
    printf("offset %ld\n", (long)at);
    show("tee", tee(a[0], b[1], 100, 0));
    show("read copy", read(b[0], buffer, sizeof buffer));
    printf("%s\n", buffer);
    show("splice to file", splice(a[0], NULL, out, NULL, 100, 0));
    show("position", lseek(out, 0, SEEK_CUR));
    show("splice needs a pipe", splice(in, NULL, out, NULL, 4, 0));
    show("tee needs pipes", tee(in, b[1], 4, 0));
    show("splice offset on pipe", splice(a[0], &at, out, NULL, 4, 0));
    show("nonblocking", splice(a[0], NULL, b[1], NULL, 4, SPLICE_F_NONBLOCK));
    off_t from = 2;
    show("sendfile", sendfile(out, in, &from, 6));
    printf("offset %ld, position %ld\n", (long)from, (long)lseek(in, 0, SEEK_CUR));
    show("sendfile without offset", sendfile(out, in, NULL, 100));
    show("at the end", sendfile(out, in, NULL, 100));
    show("sendfile to pipe", (lseek(in, 0, SEEK_SET), sendfile(a[1], in, NULL, 3)));
    show("pipe has", read(a[0], buffer, sizeof buffer));
    loff_t x = 0, y = 40;
    show("copy_file_range", copy_file_range(in, &x, out, &y, 4, 0));
    struct stat st;
    fstat(out, &st);
    show("size", st.st_size);
    lseek(out, 0, SEEK_SET);
    memset(buffer, '-', sizeof buffer);
    long n = read(out, buffer, sizeof buffer);
    for (long i = 0; i < n; i++)
        putchar(buffer[i] ? buffer[i] : '.');
    putchar('\n');
    struct iovec part = {"vmsplice", 8};
    show("vmsplice", vmsplice(a[1], &part, 1, 0));
    memset(buffer, 0, sizeof buffer);
    show("read", read(a[0], buffer, sizeof buffer));
    puts(buffer);
    show("bad in", sendfile(out, -1, NULL, 1));
    return 0;
}
